// An application that knows nothing of Crosswire: it asks a price service, and shows what it says.

// #region shop
import { once } from "node:events";
import { createServer } from "node:http";

async function show({ url }, response) {
  try {
    const price = await fetch(`https://prices.example.com/books${url}`);
    const { amount } = await price.json();
    response.end(`${url} costs ${amount} EUR`);
  } catch (error) {
    response.statusCode = 502;
    response.end(`No price: ${error.cause?.message ?? error.message}`);
  }
}

const server = createServer((request, response) => void show(request, response));
await once(server.listen(0, "127.0.0.1"), "listening");
console.log(`http://127.0.0.1:${server.address().port}`);
// #endregion
