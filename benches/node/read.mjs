// P1: a file, read to where only its bytes are counted. Arguments: input, output (unused), bytes per chunk.
import { createReadStream } from 'node:fs';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

const [input, , chunk] = process.argv.slice(2);
const highWaterMark = chunk && Number(chunk);

let bytes = 0;
const count = new Writable({
  highWaterMark,
  write(chunk, _encoding, done) {
    bytes += chunk.length;
    done();
  },
});

await pipeline(createReadStream(input, { highWaterMark }), count);
console.log(String(bytes));
