// The receiver of this example, with the answers that hold unless a part of it says otherwise.

// #region answer
import { http, HttpResponse, setupRemoteServer } from "crosswire/cpri";

export const remote = setupRemoteServer(
  http.get("https://prices.example.com/books/:title", ({ params: { title } }) =>
    HttpResponse.json({ title, amount: 12 }),
  ),
);
// #endregion
