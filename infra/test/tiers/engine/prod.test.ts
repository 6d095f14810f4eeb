import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blocksOf, commandsOf, readDocument } from '../commands.ts';
import { STACKS } from '../stacks.ts';
import { type Engine, openEngine } from './engine.ts';
import { findEngine } from './find-engine.ts';

const folder = findEngine();

/** Resources whose loss would lose data, by the end of their URN. */
const GUARDED = {
  'the database': 'aws:docdb/cluster:Cluster::trunkline-database',
  'the key of the database': 'aws:kms/key:Key::trunkline-database',
  'the key of the secrets': 'aws:kms/key:Key::trunkline-secrets',
  'the encryption keys': 'aws:secretsmanager/secret:Secret::trunkline-encryption-keys',
  'the image repository': 'aws:ecr/repository:Repository::trunkline',
};

describe.skipIf(!folder)('a prod stack', () => {
  let engine: Engine;
  let urns: string[];

  beforeAll(async () => {
    engine = await openEngine(folder ?? '', STACKS.prod);
    await engine.init(STACKS.prod);
    const { exit, printed } = await engine.pulumi('up', '--yes', '--skip-preview');
    expect(exit, printed).toBe(0);
    const { stdout } = await engine.pulumi('stack', 'export');
    urns = JSON.parse(stdout).deployment.resources.map(({ urn }: { urn: string }) => urn);
    engine.acts();
  });
  afterAll(async () => {
    await engine?.close();
  });

  const urnOf = (end: string) => {
    const found = urns.find((urn) => urn.endsWith(end));
    if (!found) throw new Error(`no ${end} among\n${urns.join('\n')}`);
    return found;
  };

  it.each(Object.entries(GUARDED))('refuses to replace %s', async (_what, end) => {
    const { exit, printed } = await engine.pulumi('up', '--yes', '--skip-preview', '--replace', urnOf(end));
    expect(exit).not.toBe(0);
    expect(printed).toContain('protect');
    expect(engine.acts()).toEqual([]);
  });

  it('refuses a change of its configuration that would replace the database', async () => {
    await engine.pulumi('config', 'set', '--path', 'infra:database.username', 'another');
    const { exit, printed } = await engine.pulumi('up', '--yes', '--skip-preview');
    expect(exit).not.toBe(0);
    expect(printed).toContain('protect');
    expect(engine.acts().filter((act) => !act.startsWith('update'))).toEqual([]);
  });

  /** The calls of tools that change something, if a shell that goes on after a failure types the script. */
  const changesIf = async (failing: string, script: string) => {
    await engine.asked();
    await engine.type(`set +eu +o pipefail\n${failing}\n${script}`);
    return (await engine.asked()).filter((call) => /\[(delete|modify|schedule|cp)\b/.test(call));
  };
  const type = (heading: string, at = 0) => typeBlock(commandsOf('docs/runbooks.md', heading)[at]);
  const typeBlock = async (script = '') => {
    engine.acts();
    await engine.asked();
    const { exit, printed } = await engine.type(script);
    expect(exit, printed).toBe(0);
    const asked = await engine.asked();
    // A missing output would show as an empty argument.
    expect(asked.filter((call) => call.includes(' []'))).toEqual([]);
    // Otherwise CI would revert the configuration.
    if (script.includes('s3 cp'))
      expect(asked.at(-1)).toBe('aws [s3] [cp] [Pulumi.prod.yaml] [s3://acme-state/stack.yaml]');
    return { acts: engine.acts(), asked: asked.join('\n'), printed };
  };

  it('does not change once the previous configuration is back', async () => {
    await engine.pulumi('config', 'rm', '--path', 'infra:database.username');
    const { exit, printed } = await engine.pulumi('up', '--yes', '--skip-preview');
    expect(exit, printed).toBe(0);
  });

  it('is upgraded by its runbook, and passes the policies in preview and update', async () => {
    const { asked } = await type('Upgrade');
    const { acts } = await type('Upgrade', 1);
    expect(acts).toContain('update aws:ecs/service:Service trunkline');
    expect(asked).toMatch(/docker \[buildx] \[build].* \[--tag] \[\d{12}\.dkr\.ecr\.[^\]]*:1\.2\.3]/);
    expect(asked).toContain(`[--build-arg] [VERSION=1.2.3] [--build-arg] [REVISION=${'a'.repeat(40)}]`);
    expect((await engine.pulumi('config', 'get', 'infra:image')).stdout).toContain(`@sha256:${'1'.repeat(64)}`);
  });

  it('keeps its image if the new one cannot be built', async () => {
    const image = () => engine.pulumi('config', 'get', 'infra:image');
    const before = (await image()).stdout;
    await changesIf('docker() { false; }', commandsOf('docs/runbooks.md', 'Upgrade')[0] ?? '');
    expect((await image()).stdout).toBe(before);
  });

  it('does not upload a configuration that is not deployed', async () => {
    const [, deploy = ''] = commandsOf('docs/runbooks.md', 'Upgrade');
    expect(await changesIf('pulumi() { [ "$1" != up ]; }', deploy)).toEqual([]);
  });

  it('runs no task while its schema changes, and as many as before after it', async () => {
    const [stop, start] = blocksOf(readDocument('../docs/upgrading.md'));
    const image = (await engine.pulumi('config', 'get', 'infra:image')).stdout.trim();
    await engine.pulumi('config', 'set', 'infra:image', image.replace(/\w+$/, '2'.repeat(64)));
    expect((await typeBlock(stop)).asked).toMatch(/\[update-service].* \[--desired-count] \[0]\n.*\[services-stable]/);
    const { exit, printed } = await engine.pulumi('up', '--yes', '--skip-preview');
    expect([exit, printed]).toEqual([0, expect.stringContaining('The service has no task')]);
    expect((await typeBlock(start)).asked).toMatch(/\[update-service].* \[--desired-count] \[2]\n.*\[services-stable]/);
    expect((await engine.pulumi('up', '--yes', '--skip-preview')).printed).not.toContain('The service has no task');
  });

  it('gets a new encryption key in front of the old ones', async () => {
    const before = (await engine.pulumi('config', 'get', 'infra:encryptionKeys')).stdout.trim();
    const { acts } = await type('Rotate a secret');
    const after = (await engine.pulumi('config', 'get', 'infra:encryptionKeys')).stdout.trim();
    expect(after).toMatch(/^2027a:[A-Za-z0-9+/]{43}=,/);
    expect(after.endsWith(`,${before}`)).toBe(true);
    expect(acts).toContain('update aws:ecs/service:Service trunkline');
  });

  it('reads its secrets again after the runbook’s command', async () => {
    const { asked } = await type('Rotate a secret', 1);
    expect(asked).toMatch(/\[update-service].*\[--cluster] \[trunkline-.*] \[--service] \[trunkline-.*] \[--force/);
  });

  it('loses its bootstrap key, both in the service and in the configuration', async () => {
    const { acts, asked } = await type('Retire the bootstrap key');
    expect(asked).toContain('[X-Organization-Id: org_1] [https://trunkline.acme.dev/api/api-keys/key_1]');
    expect(acts).toContain('delete aws:secretsmanager/secret:Secret trunkline-bootstrap-api-key');
  });

  it('takes and lists snapshots of its own cluster', async () => {
    const { asked } = await type('Take a snapshot');
    expect(asked).toMatch(
      /\[--db-cluster-identifier] \[(trunkline-database-\d+)] \[--db-cluster-snapshot-identifier] \[\1-\d/,
    );
    expect((await type('Restore the database from a snapshot')).asked).toMatch(
      /\[--db-cluster-identifier] \[trunkline-/,
    );
  });

  it('can give up its load balancer, to move to an existing one', async () => {
    const { asked } = await typeBlock(commandsOf('docs/existing.md', 'How a listener is shared')[0]);
    expect(asked).toMatch(
      /\[--names] \[trunkline-\d+].*\n.*\[--load-balancer-arn] \[arn:[^\]]*] \[--attributes] \[Key=deletion_protection/,
    );
  });

  it.each([
    ['Pulumi refuses', 'up) false;;', ''],
    ['AWS lists none', '', 'aws() { command aws "$@" >/dev/null; }'],
  ])('loses no database instance if %s', async (_why, fails, aws) => {
    const pulumi = `pulumi() { case "$1" in ${fails} stack) command pulumi "$@";; esac; }`;
    const [remove = ''] = commandsOf('docs/runbooks.md', 'Remove a database instance');
    expect(await changesIf(`${pulumi}\n${aws}`, remove)).toEqual([]);
  });

  it('loses only its last database instance, in the state and at AWS', async () => {
    const instances = () => engine.left().flatMap(({ urn, id }) => (urn.includes(':ClusterInstance::') ? [id] : []));
    const before = instances();
    await engine.pulumi('config', 'set', '--path', 'infra:database.instances', '3');
    const { exit, printed } = await engine.pulumi('up', '--yes', '--skip-preview');
    expect(exit, printed).toBe(0);
    expect(instances()).toHaveLength(3);
    await type('Remove a database instance');
    expect(instances()).toEqual(before);
    expect((await engine.pulumi('up', '--yes', '--skip-preview', '--expect-no-changes')).exit).toBe(0);
  });

  // One after another: the settings of the previous restore must not get in the way.
  it.each([
    ['Restore the database to a moment', 0],
    ['Restore the database from a snapshot', 1],
    ['Restore the database to a moment', 0],
  ])('gets a new database beside the old one: %s', async (heading, at) => {
    const { acts } = await type(heading, at);
    expect(acts).toContain('create aws:docdb/cluster:Cluster trunkline-database');
    expect(acts).toContain('create aws:docdb/clusterInstance:ClusterInstance trunkline-database-1');
    expect(acts.filter((act) => act.startsWith('delete aws:docdb'))).toEqual([]);
    expect(acts).toContain('create aws:secretsmanager/secretVersion:SecretVersion trunkline-mongodb-uri');
    expect(acts).toContain('update aws:ecs/service:Service trunkline');
    const { printed } = await engine.pulumi(
      'up',
      '--yes',
      '--skip-preview',
      '--replace',
      urnOf(GUARDED['the database']),
    );
    expect(printed).toContain('protect');
  });

  /** The stand-in has no previews: there, everything that AWS computes for a changed cluster would be unknown. */
  const typeWithoutPreview = (heading: string, at: number) =>
    typeBlock(commandsOf('docs/runbooks.md', heading)[at]?.replace('pulumi up', 'pulumi up --skip-preview'));

  it('gets its parameter group back after a restore to a moment, and restarts its instances for it', async () => {
    const { acts, asked } = await typeWithoutPreview('Restore the database to a moment', 1);
    expect(acts).toContain('update aws:docdb/cluster:Cluster trunkline-database');
    const own = (await engine.pulumi('stack', 'output', 'databaseCluster')).stdout.trim();
    const instances = [0, 1].map((at) => own.replace(/(?=-\d+$)/, `-${at}`));
    expect(asked.split('\n').filter((call) => /\[(reboot-db-instance|wait)]/.test(call))).toEqual(
      instances.flatMap((instance) => [
        `aws [docdb] [reboot-db-instance] [--region] [eu-central-1] [--db-instance-identifier] [${instance}]`,
        `aws [docdb] [wait] [db-instance-available] [--region] [eu-central-1] [--db-instance-identifier] [${instance}]`,
      ]),
    );
  });

  it('sets the master password of a restored database if it changed since', async () => {
    const own = (await engine.pulumi('stack', 'output', 'databaseCluster')).stdout.trim();
    const password = STACKS.prod.secrets['infra:databasePassword'];
    expect((await typeWithoutPreview('Restore the database to a moment', 2)).asked).toContain(
      `[--db-cluster-identifier] [${own}] [--master-user-password] [${password}] [--apply-immediately]`,
    );
  });

  it('refuses to be destroyed before anything is deleted', async () => {
    engine.acts();
    const { exit, printed } = await engine.pulumi('destroy', '--yes');
    expect(exit).not.toBe(0);
    expect(printed).toContain('protect');
    expect(engine.acts()).toEqual([]);
  });

  it('keeps resources that hold data when it is destroyed without a preview', async () => {
    const { exit, printed } = await engine.pulumi('destroy', '--yes', '--skip-preview');
    expect(exit).not.toBe(0);
    expect(printed).toContain('protect');
    expect(engine.left().map(({ urn }) => urn)).toEqual(expect.arrayContaining(Object.values(GUARDED).map(urnOf)));
  });

  const clusters = () => engine.left().flatMap(({ urn, id }) => (urn.endsWith(GUARDED['the database']) ? [id] : []));
  const deletionOf = (old: string) =>
    (commandsOf('docs/runbooks.md', 'Delete the old database')[1] ?? '').replace(/^old=\S+/, `old=${old}`);
  const deleteOld = (old: string) => engine.type(deletionOf(old));

  it.each([
    ['no region is set', 'pulumi() { [ "$1" != config ] && command pulumi "$@"; }'],
    ['Pulumi does not say which is its own', 'pulumi() { [ "$2" != output ] && command pulumi "$@"; }'],
    ['Pulumi says that none is', 'pulumi() { [ "$2" = output ] || command pulumi "$@"; }'],
    ['AWS does not list instances', 'aws() { case "$*" in *describe*) false;; *) command aws "$@";; esac; }'],
    ['AWS refuses to delete one', 'aws() { case "$*" in *delete-db-instance*) false;; *) command aws "$@";; esac; }'],
  ])('deletes no old database if %s', async (_why, failing) => {
    const before = clusters();
    expect(await changesIf(failing, deletionOf(before[1] ?? ''))).toEqual([]);
    expect(clusters()).toEqual(before);
  });

  it('deletes old databases by their runbook, and never its own', async () => {
    const own = (await engine.pulumi('stack', 'output', 'databaseCluster')).stdout.trim();
    const [forgotten, ...others] = clusters();
    expect(others).toEqual([expect.anything(), expect.anything(), own]);
    expect((await type('Delete the old database')).asked).toMatch(
      /\[rds:cluster] \[--tag-filters] \[Key=Project,Values=trunkline] \[Key=Stack,Values=prod]/,
    );
    for (const old of others) {
      const { exit, printed } = await deleteOld(old);
      expect([old, exit], printed).toEqual([old, 0]);
      const asked = (await engine.asked()).join('\n');
      if (old === own) expect([printed, asked]).toEqual([`${own} is the database that the service uses\n`, '']);
      else expect(asked).toContain(`[delete-db-cluster] [--region] [eu-central-1] [--db-cluster-identifier] [${old}]`);
    }
    expect(clusters()).toEqual([forgotten, own]);
    const left = engine.left().filter(({ urn }) => /:ClusterInstance::|::trunkline-database-audit$/.test(urn));
    const parts = [forgotten, own].flatMap((id = '') => [
      `/aws/docdb/${id}/audit`,
      ...[0, 1].map((at) => id.replace(/(?=-\d+$)/, `-${at}`)),
    ]);
    expect(left.map(({ id }) => id).toSorted()).toEqual(parts.toSorted());
  });

  it('is torn down by its runbook, which keeps a final snapshot and its key', async () => {
    // The cluster that Pulumi no longer manages still uses the network.
    const [forgotten = '', own = ''] = clusters();
    engine.acts();
    const refused = await engine.type(commandsOf('docs/runbooks.md', 'Tear down')[0] ?? '');
    expect(refused.exit).not.toBe(0);
    expect(refused.printed).toContain(`\n${own}\n`);
    expect(refused.printed).toContain(`DependencyViolation: trunkline-database is in use by ${forgotten}`);
    expect((await deleteOld(forgotten)).exit).toBe(0);
    const { exit, printed } = await engine.type('pulumi destroy --yes');
    expect(exit, printed).toBe(0);
    const acts = engine.acts();
    const taken = acts.findIndex((act) =>
      act.startsWith('snapshot aws:docdb/cluster:Cluster trunkline-database trunkline-prod-final-'),
    );
    expect(taken).toBeGreaterThanOrEqual(0);
    expect(acts.indexOf('delete aws:docdb/cluster:Cluster trunkline-database')).toBeGreaterThan(taken);
    expect(engine.left().map(({ urn }) => urn)).toEqual([urnOf(GUARDED['the key of the database'])]);
    const { asked } = await type('Tear down', 1);
    expect(asked).toContain('[--tag-filters] [Key=Project,Values=trunkline] [Key=Stack,Values=prod]');
    expect(asked).toContain('[--log-group-name-prefix] [/aws/docdb/trunkline-database-0123456/]');
  });

  it('is created, restored and torn down again, and each database leaves its own final snapshot', async () => {
    const taken: string[] = [];
    const go = async (...args: string[]) => {
      const { exit, printed } = await engine.pulumi(...args, '--yes', '--skip-preview');
      expect(exit, printed).toBe(0);
      taken.push(...engine.acts().filter((act) => act.startsWith('snapshot')));
    };
    await go('up');
    await engine.pulumi('config', 'rm', '--path', 'infra:database.pointInTime');
    await engine.pulumi('config', 'set', '--path', 'infra:database.snapshot', 'rds:trunkline-2026-11-23-03-10');
    await go('up');
    await go('destroy');
    expect(new Set(taken).size).toBe(2);
  });

  it('leaves nothing once its runbook has deleted what was kept', async () => {
    const [, , letGo = ''] = commandsOf('docs/runbooks.md', 'Tear down');
    const keys = engine.left();
    expect(keys.map(({ urn }) => urn)).toEqual(Array(2).fill(urnOf(GUARDED['the key of the database'])));
    const of = ({ id }: { id: string }) => letGo.replace(/^key=\S+/m, `key=${id}`);
    const script = [of(keys[0]!).replace('pulumi stack rm --yes\n', ''), of(keys[1]!)].join('\n');
    const { exit, printed } = await engine.type(script);
    expect(exit, printed).toBe(0);
    expect(engine.left()).toEqual([]);
    expect((await engine.pulumi('stack', 'ls')).printed).not.toContain('prod');
  });
});
