import { loadConfigOrExit, runService } from '@chat/kit';
import { seedDemoData } from '@chat/store';
import { createApp } from './app.ts';
import { schema } from './config.ts';

await runService({ name: 'history', config: loadConfigOrExit(schema), createApp, seed: seedDemoData });
