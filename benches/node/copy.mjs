// P2: a file to a new file. Arguments: input, output, bytes per chunk.
import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';

const [input, output, chunk] = process.argv.slice(2);
const highWaterMark = chunk && Number(chunk);

await pipeline(createReadStream(input, { highWaterMark }), createWriteStream(output, { highWaterMark }));
