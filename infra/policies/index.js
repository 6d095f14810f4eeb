// Pulumi loads policy packs by ts-node, which does not resolve .ts import paths. From here on, Node strips the types.
// biome-ignore lint/style/noDefaultExport: Pulumi awaits the default export of the pack's main module
export default import('./policies.ts');
