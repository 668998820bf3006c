// A test that does nothing but wait for use(). Its receiver is in the background, as it never called listen().

import { http, HttpResponse, setupRemoteServer } from "crosswire/cpri";

const remote = setupRemoteServer();
for (let i = 0; i < 3; i++) {
  await remote.use(http.get(`http://nowhere.invalid/${i}`, () => HttpResponse.text(String(i))));
}
console.log(`${remote.senders().length} attached`);
