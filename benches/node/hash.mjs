// P10: a file to a new file, with a digest of it on the way. Arguments: input, output, algorithm, bytes per chunk.
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';

const [input, output, algorithm, chunk] = process.argv.slice(2);
const highWaterMark = chunk && Number(chunk);

const hash = createHash(algorithm);
const tap = new Transform({
  highWaterMark,
  transform(bytes, _, done) {
    hash.update(bytes);
    done(null, bytes);
  },
});

await pipeline(createReadStream(input, { highWaterMark }), tap, createWriteStream(output, { highWaterMark }));
console.log(hash.digest('hex'));
