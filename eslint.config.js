// The house rules that a machine can check; see CONTRIBUTING.md.
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';

const ENVIRONMENT = {
  selector: "MemberExpression[object.name='process'][property.name='env']",
  message: 'The environment is read only in src/config.',
};
const EXIT = {
  selector: "MemberExpression[object.name='process'][property.name=/^(exit|exitCode)$/]",
  message: 'Only src/main.ts ends the process; answer an exit code instead.',
};
const SIGNALS = {
  selector: "CallExpression[callee.object.name='process'][callee.property.name=/^(on|once)$/]",
  message: 'Only src/main.ts handles signals.',
};
const DEFAULT_EXPORT = {
  selector: 'ExportDefaultDeclaration',
  message: 'Named exports only.',
};
const ENUM = { selector: 'TSEnumDeclaration', message: 'Use a union of texts or a table.' };

const restrict = (...rules) => ({
  'no-restricted-syntax': ['error', DEFAULT_EXPORT, ENUM, ...rules],
});

export default tseslint.config(
  { ignores: ['dist', 'node_modules', 'data', '.cache', 'src/generated', 'coverage'] },
  {
    files: ['src/**/*.ts', 'tests/**/*.ts', 'bench/**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, prettier],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'all' },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-invalid-void-type': 'off', // createDeferred<void>()
      '@typescript-eslint/unbound-method': 'off', // objects here are closures: nothing has a this
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: false },
      ],
      eqeqeq: 'error',
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
      'max-params': ['error', 4],
      'no-console': 'error',
      'prefer-const': 'error',
      ...restrict(ENVIRONMENT, EXIT, SIGNALS),
    },
  },
  { files: ['src/config/**'], rules: restrict(EXIT, SIGNALS) },
  { files: ['src/main.ts'], rules: restrict(ENVIRONMENT) },
  {
    files: ['tests/**/*.ts', 'bench/**/*.ts'],
    rules: {
      ...restrict(),
      '@typescript-eslint/no-misused-spread': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      'max-lines': ['error', { max: 800, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': 'off',
      'max-params': 'off',
      'no-console': 'off',
    },
  },
  {
    files: ['**/*.{js,mjs,cjs}', 'bin/*'],
    extends: [prettier],
    languageOptions: { sourceType: 'module' },
    rules: { eqeqeq: 'error', 'no-unused-vars': 'error', 'prefer-const': 'error' },
  },
);
