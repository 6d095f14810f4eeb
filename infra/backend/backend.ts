import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';
import { z } from 'zod';
import { guarded } from '../src/names.ts';
import { ACTIONS, rightsFor, STATE_KEY_ALIAS } from '../src/rights/rights.ts';

const Schema = z.object({
  region: z.string().regex(/^[a-z]{2}(-[a-z]+)+-[0-9]$/),
  accountId: z.string().regex(/^[0-9]{12}$/),
  /**
   * As GitHub writes it in the subject of its tokens: `owner/name`, or `owner@id/name@id` since July 2026.
   * https://github.blog/changelog/2026-04-23-immutable-subject-claims-for-github-actions-oidc-tokens
   */
  repository: z.string().regex(/^[A-Za-z0-9-]+(@[0-9]+)?\/[A-Za-z0-9._-]+(@[0-9]+)?$/),
  /** The stack that CI deploys. The GitHub environment has the same name. */
  stack: z.string().regex(/^[A-Za-z0-9_-]+$/),
});
export type BackendConfig = z.output<typeof Schema>;

export const readBackendConfig = (): BackendConfig => {
  const config = new pulumi.Config('backend');
  return Schema.parse(Object.fromEntries(Object.keys(Schema.shape).map((key) => [key, config.require(key)])));
};

const GITHUB = 'token.actions.githubusercontent.com';

/** The state bucket, in which Pulumi also locks stacks; the KMS key for the secrets in it; and CI's roles. */
export const createBackend = ({ region, accountId, repository, stack }: BackendConfig) => {
  const provider = new aws.Provider('aws', { region, allowedAccountIds: [accountId] });
  const opts = { provider };
  const name = 'trunkline-state';

  const key = new aws.kms.Key(
    name,
    {
      description: 'Encrypts the secrets in the state of Trunkline',
      enableKeyRotation: true,
      deletionWindowInDays: 30,
    },
    { ...opts, ...guarded(true) },
  );
  const alias = new aws.kms.Alias(name, { name: STATE_KEY_ALIAS, targetKeyId: key.keyId }, opts);
  const { bucket, arn } = new aws.s3.Bucket(
    name,
    { bucket: `${name}-${accountId}`, forceDestroy: false },
    { ...opts, ...guarded(true) },
  );
  // To restore an earlier version of the state.
  new aws.s3.BucketVersioning(name, { bucket, versioningConfiguration: { status: 'Enabled' } }, opts);
  new aws.s3.BucketPublicAccessBlock(
    name,
    { bucket, blockPublicAcls: true, blockPublicPolicy: true, ignorePublicAcls: true, restrictPublicBuckets: true },
    opts,
  );

  const github = new aws.iam.OpenIdConnectProvider(
    'github',
    { url: `https://${GITHUB}`, clientIdLists: ['sts.amazonaws.com'] },
    opts,
  );
  const role = (of: string, { sub, ...claims }: Claims, description: string, mayWrite = false) => {
    const trust = github.arn.apply((federated) => trustOf(federated, { ...claims, sub: `repo:${repository}:${sub}` }));
    const made = new aws.iam.Role(
      `github-trunkline-${of}`,
      { name: `github-trunkline-${of}`, description, assumeRolePolicy: pulumi.jsonStringify(trust) },
      opts,
    );
    const policy = pulumi.all([arn, key.arn]).apply(([bucketArn, keyArn]) => useState({ bucketArn, keyArn, mayWrite }));
    new aws.iam.RolePolicy(
      `github-trunkline-${of}-state`,
      { role: made.name, policy: pulumi.jsonStringify(policy) },
      opts,
    );
    return made;
  };
  // A job of any branch may name the environment.
  const main = { sub: `environment:${stack}`, ref: 'refs/heads/main' };
  const deploy = role('deploy', main, 'Deploys Trunkline from its main branch', true);
  const preview = role('preview', { sub: 'pull_request' }, 'Previews changes of Trunkline');
  const drift = role('drift', { sub: 'ref:refs/heads/main' }, 'Looks for what was changed by hand');
  new aws.iam.RolePolicy(
    'github-trunkline-deploy-rights',
    { role: deploy.name, policy: JSON.stringify(rightsFor(Object.keys(ACTIONS), { accountId, region })) },
    opts,
  );
  // The provider compares secret values with the state, and ReadOnlyAccess may not read them.
  new aws.iam.RolePolicy(
    'github-trunkline-drift-secrets',
    {
      role: drift.name,
      policy: JSON.stringify({
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Action: ['secretsmanager:GetSecretValue'],
            Resource: [`arn:aws:secretsmanager:${region}:${accountId}:secret:trunkline-*`],
          },
          {
            Effect: 'Allow',
            Action: ['kms:Decrypt'],
            Resource: [`arn:aws:kms:${region}:${accountId}:key/*`],
            Condition: { StringEquals: { 'kms:ViaService': `secretsmanager.${region}.amazonaws.com` } },
          },
        ],
      }),
    },
    opts,
  );
  new aws.iam.RolePolicyAttachment(
    'github-trunkline-drift-reads',
    { role: drift.name, policyArn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' },
    opts,
  );
  // Without a refresh, a preview asks for what of the account's own the stack is made on. AWS's provider asks for its tags, too.
  new aws.iam.RolePolicy(
    'github-trunkline-preview-reads',
    {
      role: preview.name,
      policy: JSON.stringify({
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Action: ['ec2:DescribeSubnets', 'ec2:DescribeTags', 'elasticloadbalancing:Describe*'],
            Resource: ['*'],
          },
        ],
      }),
    },
    opts,
  );

  return {
    backendUrl: pulumi.interpolate`s3://${bucket}?region=${region}`,
    secretsProvider: pulumi.interpolate`awskms://${alias.name}?region=${region}`,
    deployRole: deploy.arn,
    previewRole: preview.arn,
    driftRole: drift.arn,
  };
};

/** What GitHub says of a job in its token. */
interface Claims {
  sub: string;
  ref?: string;
}

/**
 * https://docs.github.com/en/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws; AWS checks more of
 * the claims than the subject. https://aws.amazon.com/about-aws/whats-new/2026/01/aws-sts-supports-validation-identity-provider-claims/
 */
const trustOf = (federated: string, claims: Claims) => ({
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: { Federated: federated },
      Action: 'sts:AssumeRoleWithWebIdentity',
      Condition: {
        StringEquals: Object.fromEntries(
          Object.entries({ aud: 'sts.amazonaws.com', ...claims }).map(([claim, is]) => [`${GITHUB}:${claim}`, is]),
        ),
      },
    },
  ],
});

interface StateUse {
  bucketArn: string;
  keyArn: string;
  mayWrite: boolean;
}

/** A preview takes no lock and writes nothing. */
const useState = ({ bucketArn, keyArn, mayWrite }: StateUse) => ({
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Action: ['s3:ListBucket', 's3:GetObject', ...(mayWrite ? ['s3:PutObject', 's3:DeleteObject'] : [])],
      Resource: [bucketArn, `${bucketArn}/*`],
    },
    { Effect: 'Allow', Action: ['kms:Decrypt', ...(mayWrite ? ['kms:Encrypt'] : [])], Resource: [keyArn] },
  ],
});
