import tseslint from 'typescript-eslint'
import hooks from 'eslint-plugin-react-hooks'
import a11y from 'eslint-plugin-jsx-a11y-x'

export default tseslint.config(
  { ignores: ['dist', 'src/api/gen', 'src/schema/parser.js', 'src/schema/parser.terms.js'] },
  ...tseslint.configs.strict,
  { files: ['src/**/*.{ts,tsx}'], extends: [hooks.configs.flat.recommended, a11y.configs.recommended] },
  {
    rules: {
      'max-lines': ['error', { max: 250, skipBlankLines: false, skipComments: false }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-invalid-void-type': 'off', // mutations without variables
      '@typescript-eslint/no-restricted-imports': ['error', {
        patterns: [{ group: ['**/api/gen/**'], allowTypeImports: true, message: 'what is generated is types alone' }],
      }],
    },
  },
)
