// P7: a file, compressed into a new file. Arguments: input, output, level.
import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';

const [input, output, level] = process.argv.slice(2);
const chunk = { highWaterMark: 256 * 1024 };

await pipeline(
  createReadStream(input, chunk),
  createGzip({ level: Number(level), chunkSize: 64 * 1024 }),
  createWriteStream(output, chunk),
);
