import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { IDeployment, IStatefulSet } from 'kubernetes-models/apps/v1';
import type { IHorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2';
import type { IJob } from 'kubernetes-models/batch/v1';
import type { INetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import type { IPodDisruptionBudget } from 'kubernetes-models/policy/v1';
import type { IConfigMap, INamespace, IPodTemplateSpec, ISecret, IService } from 'kubernetes-models/v1';
import { parseAllDocuments } from 'yaml';
import { bundleScenario, scenarios } from '../../../scripts/loadtest-bundle.mjs';

const DEPLOY = fileURLToPath(new URL('../../../deploy', import.meta.url));

/** What can be applied. */
export const OVERLAYS = ['kind', 'production', 'ha', 'loadtest'] as const;
export type Overlay = (typeof OVERLAYS)[number];
/** Those of them that are a whole cluster. */
export const CLUSTERS = ['kind', 'production', 'ha'] as const;

interface Kinds {
  ConfigMap: IConfigMap;
  Deployment: IDeployment;
  HorizontalPodAutoscaler: IHorizontalPodAutoscaler;
  Job: IJob;
  Namespace: INamespace;
  NetworkPolicy: INetworkPolicy;
  PodDisruptionBudget: IPodDisruptionBudget;
  PrometheusRule: Other;
  Secret: ISecret;
  Service: IService;
  ServiceMonitor: Other;
  StatefulSet: IStatefulSet;
}

interface Other {
  // biome-ignore lint/suspicious/noExplicitAny: a custom resource; its schema is checked apart from its type.
  spec: any;
}

export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
}

/** The objects of one overlay. */
export class Rendered {
  readonly objects: readonly Manifest[];

  constructor(objects: readonly Manifest[]) {
    this.objects = objects;
  }

  all<K extends keyof Kinds>(kind: K): (Kinds[K] & Manifest)[] {
    return this.objects.filter((object) => object.kind === kind) as (Kinds[K] & Manifest)[];
  }

  one<K extends keyof Kinds>(kind: K, name: string): Kinds[K] & Manifest {
    const found = this.all(kind).find(({ metadata }) => metadata.name === name);
    if (!found) throw new Error(`no ${kind} is called ${name}`);
    return found;
  }

  /** Whatever makes pods. */
  workloads(): Workload[] {
    return [...this.all('Deployment'), ...this.all('StatefulSet'), ...this.all('Job')].map((object) => ({
      name: `${object.kind} ${object.metadata.name}`,
      template: object.spec!.template,
    }));
  }
}

export interface Workload {
  name: string;
  template: IPodTemplateSpec;
}

/** Why nothing can be rendered here; undefined when it can. */
export function whyNot(): string | undefined {
  const { error } = spawnSync('kubectl', ['version', '--client'], { stdio: 'ignore' });
  if (!error) return undefined;
  console.log('tests of the manifests are skipped: kubectl is missing');
  return 'kubectl is missing';
}

const cache = new Map<Overlay, Promise<Rendered>>();

/** {@link renderAnew}, once for each overlay and test file. */
export function render(overlay: Overlay): Promise<Rendered> {
  const known = cache.get(overlay);
  if (known) return known;
  const rendering = renderAnew(overlay);
  cache.set(overlay, rendering);
  return rendering;
}

/**
 * Renders an overlay as `kubectl apply -k` would. What an operator has to make first is made in a copy: the password
 * file of production and the bundle of the load test.
 *
 * @throws Error with what kustomize said
 */
async function renderAnew(overlay: Overlay): Promise<Rendered> {
  const dir = mkdtempSync(join(tmpdir(), 'chat-k8s-'));
  try {
    cpSync(join(DEPLOY, 'k8s'), join(dir, 'k8s'), { recursive: true });
    const production = join(dir, 'k8s/overlays/production');
    copyFileSync(join(production, 'secrets.env.example'), join(production, 'secrets.env'));
    if (overlay === 'loadtest') {
      await bundleScenario(scenarios()[0]!, join(dir, 'k8s/components/loadtest/dist/scenario.js'));
    }
    const { status, stdout, stderr } = spawnSync(
      'kubectl',
      ['kustomize', join(dir, 'k8s/overlays', overlay)],
      {
        encoding: 'utf8',
        maxBuffer: 64 * 1024 * 1024,
      },
    );
    if (status !== 0) throw new Error(`kubectl kustomize ${overlay}: ${stderr}`);
    return new Rendered(parseAllDocuments(stdout).map((document) => document.toJS() as Manifest));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Whether a pod with these labels is chosen. */
export function selects(
  selector: {
    matchLabels?: Record<string, string>;
    matchExpressions?: { key: string; operator: string; values?: string[] }[];
  },
  labels: Record<string, string>,
): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector;
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      if (operator !== 'In') throw new Error(`the operator ${operator} is not used here`);
      return labels[key] !== undefined && values.includes(labels[key]);
    })
  );
}
