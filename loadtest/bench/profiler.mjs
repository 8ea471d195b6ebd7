import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { basename, join } from 'node:path';

// Loaded into a replica by NODE_OPTIONS=--import: profiles its CPU from the start, and writes the profile when it ends.
const directory = process.env.BENCH_PROFILE_DIR;
if (directory && basename(process.argv[1] ?? '') === 'main.js') {
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.setSamplingInterval', { interval: 500 });
  session.post('Profiler.start');
  process.once('exit', () => {
    session.post('Profiler.stop', (error, result) => {
      if (error) return;
      writeFileSync(join(directory, `replica-${process.pid}.cpuprofile`), JSON.stringify(result.profile));
    });
  });
}
