// Pulumi loads policy packs by ts-node, which knows no .ts import paths: from here on Node itself strips the types.
// biome-ignore lint/style/noDefaultExport: Pulumi awaits what the pack's main module holds
export default import('./policies.ts');
