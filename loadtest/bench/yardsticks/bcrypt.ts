import { availableParallelism } from 'node:os';
import bcrypt from 'bcrypt';

// What logins are measured by, as a process: password checks alone, one per core at a time, for some seconds.
const [seconds, cost] = process.argv.slice(2).map(Number);
const hash = await bcrypt.hash('password123', cost!);
const end = performance.now() + seconds! * 1000;
let checked = 0;
async function check(): Promise<void> {
  while (performance.now() < end) {
    await bcrypt.compare('password123', hash);
    checked++;
  }
}
const start = performance.now();
await Promise.all(Array.from({ length: availableParallelism() }, check));
console.log(checked / ((performance.now() - start) / 1000));
