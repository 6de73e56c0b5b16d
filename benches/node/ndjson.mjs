// P15: NDJSON, line by line, to objects. Arguments: input.
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

const [input] = process.argv.slice(2);

let count = 0;
let users = 0;
let text = 0;
for await (const line of createInterface({ input: createReadStream(input), crlfDelay: Infinity })) {
  const entry = JSON.parse(line);
  count += 1;
  users += entry.user;
  text += entry.message.length; // the entries are ASCII
}
console.log(`${count} ${users} ${text}`);
