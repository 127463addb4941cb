import ts from 'typescript';

/** Globals that are a clock, a timer, the environment, the network or an output. */
const impureGlobals = new Set(
  'performance process console setTimeout setInterval setImmediate queueMicrotask fetch require'.split(' '),
);

/** Members of otherwise harmless globals that read the clock or chance. */
const impureMembers = new Set(['Date.now', 'Math.random']);

/**
 * What a source text uses that makes its result depend on more than its arguments, as written there: `Date.now`,
 * `new Date()`, `process`, … Names the file declares itself and names of members do not count, nor do types.
 */
export function findImpureGlobals(text: string): string[] {
  const declared = new Set<string>();
  const found = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node)) return;
    if (ts.isIdentifier(node)) {
      if (isDeclaration(node)) declared.add(node.text);
      else if (impureGlobals.has(node.text) && !isMemberName(node)) found.add(node.text);
    } else if (ts.isPropertyAccessExpression(node) && impureMembers.has(node.getText())) {
      found.add(node.getText());
    } else if (ts.isNewExpression(node) && node.expression.getText() === 'Date' && !node.arguments?.length) {
      found.add('new Date()');
    } else if (ts.isCallExpression(node) && node.expression.getText() === 'Date') {
      found.add('Date()');
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('text.ts', text, ts.ScriptTarget.ES2022, true));
  return [...found].filter((name) => !declared.has(name));
}

function isDeclaration(node: ts.Identifier): boolean {
  const { parent } = node;
  return (
    (ts.isVariableDeclaration(parent) ||
      ts.isParameter(parent) ||
      ts.isBindingElement(parent) ||
      ts.isFunctionDeclaration(parent) ||
      ts.isImportSpecifier(parent)) &&
    parent.name === node
  );
}

/** Whether the identifier is the name in `x.name`, `{ name: … }` or a member's declaration. */
function isMemberName(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent))
    return parent.name === node && parent.expression.getText() !== 'globalThis';
  return (
    (ts.isPropertyAssignment(parent) ||
      ts.isMethodDeclaration(parent) ||
      ts.isPropertyDeclaration(parent) ||
      ts.isPropertySignature(parent)) &&
    parent.name === node
  );
}
