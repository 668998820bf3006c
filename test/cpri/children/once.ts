// The shortest application: one request, at once. It prints what it got, and ends by itself.

const reply = await fetch("http://nowhere.invalid/once");
console.log(await reply.text());
