import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type Manifest, OVERLAYS, type Rendered, render, whyNot } from './rendered.ts';
import { violations } from './schema.ts';

const reason = whyNot();

describe.skipIf(reason)(
  `every object keeps the schema of its kind${reason ? ` (skipped: ${reason})` : ''}`,
  () => {
    describe.each(OVERLAYS)('overlay %s', (overlay) => {
      let rendered: Rendered;
      beforeAll(async () => {
        rendered = await render(overlay);
      });

      it('renders objects that the API server takes', async () => {
        const found: string[] = [];
        for (const object of rendered.objects) {
          const name = `${object.kind} ${object.metadata.name}`;
          found.push(...(await violations(object)).map((violation) => `${name}: ${violation}`));
        }
        expect(found).toEqual([]);
      });

      it('has every object once, in the namespace chat', () => {
        const names = rendered.objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
        expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
        for (const { kind, metadata } of rendered.objects) {
          if (kind !== 'Namespace') expect(metadata.namespace, `${kind} ${metadata.name}`).toBe('chat');
        }
      });
    });
  },
);

describe('the schema check', () => {
  const service: Manifest & { spec: object } = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'a' },
    spec: { selector: { app: 'a' }, ports: [{ name: 'http', port: 80 }] },
  };

  it('takes a good object, with any label', async () => {
    expect(await violations(service)).toEqual([]);
  });

  it('finds a field that the schema does not know, however deep', async () => {
    const typo = { ...service, spec: { ports: [{ port: 80, targetport: 8080 }] } };
    expect(await violations(typo)).toEqual(['/spec/ports/0/targetport is not in the schema']);
  });

  it('finds a wrong type and a missing field', async () => {
    expect(await violations({ ...service, spec: { ports: [{ port: '80' }] } } as Manifest)).toEqual([
      expect.stringContaining('/spec/ports/0/port must be integer'),
    ]);
    expect(await violations({ ...service, spec: { ports: [{}] } } as Manifest)).toEqual([
      expect.stringContaining('must have required property port'),
    ]);
  });

  it('knows the kinds of the Prometheus operator', async () => {
    const monitor = {
      apiVersion: 'monitoring.coreos.com/v1',
      kind: 'ServiceMonitor',
      metadata: { name: 'a' },
      spec: { selector: {}, endpoints: [{ port: 'http', intervall: '15s' }] },
    };
    expect(await violations(monitor)).toEqual(['/spec/endpoints/0/intervall is not in the schema']);
  });
});

describe('kind', () => {
  it('maps localhost:8080 and localhost:8081 to the node ports of the two planes, on this machine alone', () => {
    const cluster = parse(
      readFileSync(new URL('../../../deploy/kind/cluster.yaml', import.meta.url), 'utf8'),
    );
    const mappings = cluster.nodes.flatMap(
      (node: { extraPortMappings?: object[] }) => node.extraPortMappings ?? [],
    );
    expect(mappings).toEqual([
      { containerPort: 30080, hostPort: 8080, listenAddress: '127.0.0.1', protocol: 'TCP' },
      { containerPort: 30081, hostPort: 8081, listenAddress: '127.0.0.1', protocol: 'TCP' },
    ]);
  });
});
