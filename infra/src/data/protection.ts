import type { ResourceOptions } from '@pulumi/pulumi';

/** For what must outlive mistakes: Pulumi refuses to delete or replace it, and where told to all the same, AWS keeps it. */
export const guarded = (protect: boolean): ResourceOptions => ({ protect, retainOnDelete: protect });
