// sharp, one libvips thread and no cache, so that CPU time an image means the same as for the others.
// Variants: "" (sharp's own margin), "full" (fastShrinkOnLoad: false), "threads" (libvips may use both cores).
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import sharp from 'sharp';

const LEAST_RENDERS = 1;
const { values, positionals: [input] } = parseArgs({
  allowPositionals: true,
  options: {
    sizes: { type: 'string' },
    variant: { type: 'string', default: '' },
    format: { type: 'string', default: 'jpeg' },
    budget: { type: 'string', default: '0.5' },
    out: { type: 'string' },
  },
});
const sizes = values.sizes.split(',').map(Number);
const budget = Number(values.budget);
sharp.cache(false);
sharp.concurrency(values.variant === 'threads' ? 2 : 1);

const encode = (image) => values.format === 'jpeg'
  ? image.jpeg({ quality: 80, chromaSubsampling: '4:2:0' })
  : image.png({ compressionLevel: 1 });

const shrink = (size) => sharp(input, { limitInputPixels: false }).resize(size, size, {
  fit: 'inside', withoutEnlargement: true, fastShrinkOnLoad: values.variant !== 'full',
});

// One pipeline a size, in turn: sharp has no shared decode (clone() shares the input bytes only).
async function render() {
  const outputs = new Map();
  for (const size of sizes) outputs.set(size, await encode(shrink(size)).toBuffer());
  return outputs;
}

const memory = (field) => Number(readFileSync('/proc/self/status', 'utf8').match(new RegExp(`^${field}:\\s+(\\d+)`, 'm'))[1]);
// process.cpuUsage is getrusage(RUSAGE_SELF): user and system time of every thread.
const cpuSeconds = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1e6; };

const idle = memory('VmRSS');
if (budget > 0) await render();
const cpu = cpuSeconds();
const wall = performance.now();
let renders = 0;
let outputs;
let spent;
do {
  outputs = await render();
  renders += 1;
  spent = cpuSeconds() - cpu;
} while (budget > 0 && (spent < budget || renders < LEAST_RENDERS));

const bytes = [...outputs.values()].reduce((sum, data) => sum + data.length, 0);
console.log(JSON.stringify({
  cpu: spent / renders,
  wall: (performance.now() - wall) / 1000 / renders,
  renders,
  peak_kib: memory('VmHWM'),
  idle_kib: idle,
  bytes,
}));
if (values.out) {
  mkdirSync(values.out, { recursive: true });
  for (const [size, data] of outputs) writeFileSync(`${values.out}/${size}.${values.format}`, data);
}
