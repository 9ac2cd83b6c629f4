// Who may know whom (ARCHITECTURE.md): api → tasks ← store; adapters implement ports of tasks and never import each other; only app.ts imports adapters.
const ADAPTERS = '^src/(store|pulsar|storage)/';

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'kernel-knows-nobody',
      severity: 'error',
      from: { path: '^src/kernel/' },
      to: { path: '^src/', pathNot: '^src/kernel/' },
    },
    {
      name: 'tasks-know-the-kernel-only',
      severity: 'error',
      from: { path: '^src/tasks/' },
      to: { path: '^src/', pathNot: '^src/(tasks|kernel|generated)/' },
    },
    {
      name: 'tasks-and-kernel-do-no-io',
      comment:
        'node:crypto computes, node:events counts listeners, node:stream names what passes between ports: none does input or output.',
      severity: 'error',
      from: { path: '^src/(tasks|kernel)/' },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(crypto|events|stream)$' },
    },
    {
      name: 'tasks-and-kernel-use-no-package',
      comment: 'The validators compile the contract with ajv; nothing else may.',
      severity: 'error',
      from: { path: '^src/(tasks|kernel)/', pathNot: '^src/tasks/validation/' },
      to: { path: 'node_modules' },
    },
    {
      name: 'only-app-imports-adapters',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/app(\\.ts$|/)', ADAPTERS] },
      to: { path: ADAPTERS },
    },
    {
      name: 'adapters-know-tasks-only',
      comment: 'The store’s SQLite and MongoDB sides share files directly in src/store.',
      severity: 'error',
      from: { path: '^src/(store|pulsar|storage)/' },
      to: { path: '^src/', pathNot: '^src/($1|tasks|kernel)/' },
    },
    {
      name: 'databases-do-not-know-each-other',
      severity: 'error',
      from: { path: '^src/store/(sqlite|mongo)/' },
      to: { path: '^src/store/(sqlite|mongo)/', pathNot: '^src/store/$1/' },
    },
    {
      name: 'transports-do-not-know-each-other',
      severity: 'error',
      from: { path: '^src/pulsar/(rest|amqp)/' },
      to: { path: '^src/pulsar/(rest|amqp|embedded)/', pathNot: '^src/pulsar/$1/' },
    },
    {
      name: 'dispatcher-knows-tasks-only',
      severity: 'error',
      from: { path: '^src/dispatcher/' },
      to: { path: '^src/', pathNot: '^src/(dispatcher|tasks|kernel)/' },
    },
    {
      name: 'access-knows-tasks-only',
      severity: 'error',
      from: { path: '^src/access/' },
      to: { path: '^src/', pathNot: '^src/(access|tasks|kernel)/' },
    },
    {
      name: 'api-knows-tasks-only',
      severity: 'error',
      from: { path: '^src/api/' },
      to: { path: '^src/', pathNot: '^src/(api|access|tasks|kernel|generated)/' },
    },
    {
      name: 'conformance-knows-the-kernel-only',
      comment:
        'It judges any server from outside; what Magnetar takes for granted must not leak into it.',
      severity: 'error',
      from: { path: '^src/conformance/' },
      to: { path: '^src/', pathNot: '^src/(conformance|kernel)/' },
    },
    {
      name: 'only-the-command-line-runs-conformance',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(conformance|cli)/' },
      to: { path: '^src/conformance/' },
    },
    {
      name: 'nobody-imports-the-command-line',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(cli/|app\\.ts$|app/|main\\.ts$)' },
      to: { path: '^src/(cli/|main\\.ts$)' },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node'] },
  },
};
