// The manifests of deploy/: their fields are ones that Kubernetes documents (v1.33, a table of our own: no cluster and no schema of one is asked), and
// what they name of each other is there.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';

type Shape =
  | 'string'
  | 'number'
  | 'boolean'
  | 'quantity'
  | readonly [Shape]
  | { readonly '*': Shape }
  | { readonly [field: string]: Shape };

const META: Shape = { name: 'string', namespace: 'string', labels: { '*': 'string' } };
const LABELS: Shape = { labels: { '*': 'string' } };
const RESOURCES: Shape = { requests: { '*': 'quantity' }, limits: { '*': 'quantity' } };
const PROBE: Shape = { exec: { command: ['string'] }, initialDelaySeconds: 'number', periodSeconds: 'number' };
const SECURITY: Shape = {
  runAsUser: 'number',
  runAsGroup: 'number',
  capabilities: { add: ['string'], drop: ['string'] },
  seccompProfile: { type: 'string' },
  appArmorProfile: { type: 'string' },
};
const CONTAINER: Shape = {
  name: 'string',
  image: 'string',
  command: ['string'],
  args: ['string'],
  env: [{ name: 'string', value: 'string' }],
  ports: [{ name: 'string', containerPort: 'number', protocol: 'string' }],
  readinessProbe: PROBE,
  livenessProbe: PROBE,
  securityContext: SECURITY,
  resources: RESOURCES,
  volumeMounts: [{ name: 'string', mountPath: 'string', readOnly: 'boolean' }],
};
const VOLUME: Shape = {
  name: 'string',
  secret: { secretName: 'string', defaultMode: 'number', items: [{ key: 'string', path: 'string' }] },
  emptyDir: { sizeLimit: 'quantity' },
};
const POD: Shape = {
  restartPolicy: 'string',
  terminationGracePeriodSeconds: 'number',
  automountServiceAccountToken: 'boolean',
  hostUsers: 'boolean',
  securityContext: { fsGroup: 'number' },
  containers: [CONTAINER],
  volumes: [VOLUME],
};
const KINDS: Readonly<Record<string, Shape>> = {
  'v1 Namespace': {},
  'v1 Service': {
    spec: {
      clusterIP: 'string',
      selector: { '*': 'string' },
      ports: [{ name: 'string', port: 'number', targetPort: 'string', protocol: 'string' }],
    },
  },
  'apps/v1 StatefulSet': {
    spec: {
      serviceName: 'string',
      replicas: 'number',
      podManagementPolicy: 'string',
      selector: { matchLabels: { '*': 'string' } },
      template: { metadata: LABELS, spec: POD },
      volumeClaimTemplates: [{ metadata: { name: 'string' }, spec: { accessModes: ['string'], resources: RESOURCES } }],
    },
  },
  'batch/v1 Job': {
    spec: { backoffLimit: 'number', ttlSecondsAfterFinished: 'number', template: { metadata: LABELS, spec: POD } },
  },
};

/** What is wrong with a value, by its place. */
function wrong(value: unknown, shape: Shape, at: string): string[] {
  if (shape === 'quantity')
    return /^\d+(\.\d+)?(m|[KMGT]i?)?$/.test(String(value)) && typeof value === 'string' ? [] : [`${at} is no quantity`];
  if (typeof shape === 'string') return typeof value === shape ? [] : [`${at} is no ${shape}`];
  if (Array.isArray(shape)) {
    const [each] = shape as readonly [Shape];
    return Array.isArray(value) ? value.flatMap((one, i) => wrong(one, each, `${at}[${i}]`)) : [`${at} is no list`];
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${at} has no fields`];
  const fields = shape as Readonly<Record<string, Shape>>;
  return Object.entries(value).flatMap(([name, one]) => {
    const of = fields['*'] ?? (Object.hasOwn(fields, name) ? fields[name] : undefined);
    return of === undefined ? [`${at}.${name} is not documented`] : wrong(one, of, `${at}.${name}`);
  });
}

function documents(name: string): any[] {
  return parseAllDocuments(readFileSync(new URL(`../deploy/${name}`, import.meta.url), 'utf8'), { strict: true, uniqueKeys: true }).map(
    (d) => {
      assert.deepEqual(d.errors, []);
      return d.toJS();
    },
  );
}

const fleet = documents('buildkitd.yaml');
const [job] = documents('slipway-job.yaml');
const [, service, set] = fleet;

test('every field is one that is documented, of its type', () => {
  for (const { apiVersion, kind, metadata, ...rest } of [...fleet, job]) {
    const shape = KINDS[`${apiVersion} ${kind}`];
    assert.ok(shape, `${apiVersion} ${kind}`);
    assert.deepEqual([...wrong(metadata, META, 'metadata'), ...wrong(rest, shape, kind)], []);
  }
  // the check itself finds what is wrong
  assert.deepEqual(wrong({ spec: { replicas: '3', replica: 3 } }, KINDS['apps/v1 StatefulSet'] as Shape, 'x'), [
    'x.spec.replicas is no number',
    'x.spec.replica is not documented',
  ]);
});

test('the service is headless and means the pods of the set', () => {
  assert.equal(service.spec.clusterIP, 'None');
  assert.equal(set.spec.serviceName, service.metadata.name);
  assert.deepEqual(service.spec.selector, set.spec.template.metadata.labels);
  assert.deepEqual(set.spec.selector.matchLabels, set.spec.template.metadata.labels);
  const [container] = set.spec.template.spec.containers;
  assert.equal(container.ports[0].name, service.spec.ports[0].targetPort);
  assert.equal(container.ports[0].containerPort, service.spec.ports[0].port);
  assert.ok(new Set([service, set, job].map((d) => d.metadata.namespace)).size === 1);
});

test('every mount has its volume', () => {
  for (const { spec } of [set, job]) {
    const pod = spec.template.spec;
    const volumes = [...pod.volumes, ...(spec.volumeClaimTemplates ?? []).map((c: { metadata: object }) => c.metadata)].map((v) => v.name);
    assert.deepEqual(pod.containers.flatMap((c: any) => c.volumeMounts.map((m: any) => m.name)).sort(), volumes.sort());
  }
});

test('the builders are not root, and answer the network by TLS to known clients alone', () => {
  const [{ args, securityContext }] = set.spec.template.spec.containers;
  assert.equal(securityContext.runAsUser, 1000);
  assert.ok(args.includes('tcp://0.0.0.0:1234'));
  for (const flag of ['--tlscacert', '--tlscert', '--tlskey']) assert.match(args[args.indexOf(flag) + 1], /^\/certs\//);
});

test('the Job finds the builders by their name, and has a certificate for them', () => {
  const [{ env, volumeMounts }] = job.spec.template.spec.containers;
  const value = (name: string): string => env.find((e: { name: string }) => e.name === name).value;
  assert.equal(value('SLIPWAY_BUILDERS'), `dns://${service.metadata.name}.${service.metadata.namespace}:${service.spec.ports[0].port}`);
  assert.ok(volumeMounts.some((m: { mountPath: string }) => m.mountPath === value('SLIPWAY_BUILDER_CERTS')));
  assert.equal(job.spec.template.spec.hostUsers, false);
});
