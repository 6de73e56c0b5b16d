// P9: a compressed file, decompressed into a new file. Arguments: input, output.
import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';

const [input, output] = process.argv.slice(2);
const chunk = { highWaterMark: 256 * 1024 };

await pipeline(
  createReadStream(input, chunk),
  createGunzip({ chunkSize: 64 * 1024 }),
  createWriteStream(output, chunk),
);
