// P3: a file, line by line, to the lines with a word in them. Arguments: input.
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

const [input] = process.argv.slice(2);

let lines = 0;
let bytes = 0;
for await (const line of createInterface({ input: createReadStream(input), crlfDelay: Infinity })) {
  if (line.includes('ERROR')) {
    lines += 1;
    bytes += line.length; // the log is ASCII
  }
}
console.log(`${lines} ${bytes}`);
