/** What the program sets by @pulumi/aws 7 and the provider 5.100, one major behind, does not know; none is validated here. */
export const DIFFERENCES: Record<string, string> = {};
