import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface Terraform {
  binary: string;
  /** A mirror in Terraform's layout: <host>/hashicorp/aws/<version>/<platform>. */
  plugins: string;
}

/** Terraform at TERRAFORM_BINARY or on the PATH, and the AWS provider in the folder that TERRAFORM_PLUGIN_DIR names. */
export const findTerraform = (): Terraform | undefined => {
  const binary = process.env.TERRAFORM_BINARY ?? onPath('terraform');
  const plugins = process.env.TERRAFORM_PLUGIN_DIR;
  return binary && plugins && existsSync(plugins) ? { binary, plugins } : undefined;
};

/** checkov at CHECKOV_BINARY or on the PATH. */
export const findCheckov = (): string | undefined => process.env.CHECKOV_BINARY ?? onPath('checkov');

const onPath = (name: string): string | undefined =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find(existsSync);

/** Runs before the tests: says what is missing and that they are skipped. Fails if CI is set. */
export const setup = () => {
  if (findTerraform()) {
    if (findCheckov()) return;
    const none = 'No checkov: put it on the PATH (pip install checkov==3.3.30), or set CHECKOV_BINARY.';
    if (process.env.CI) throw new Error(none);
    console.log(`Skipped in part. ${none}`);
    return;
  }
  const missing =
    'No Terraform with the AWS provider 5.100.0: put terraform on the PATH (or set TERRAFORM_BINARY), ' +
    'and set TERRAFORM_PLUGIN_DIR to a folder that `terraform providers mirror` has filled.';
  if (process.env.CI) throw new Error(missing);
  console.log(`Skipped. ${missing}`);
};
