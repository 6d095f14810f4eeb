import type { Input } from '@pulumi/pulumi';

/** What CloudWatch tells one metric from another of its name by. */
export type Dimensions = Record<string, Input<string>>;
