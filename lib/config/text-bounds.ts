/**
 * Looks at a YAML text before it is parsed. The parser recurses and makes several objects of every piece; a text that is made for it ends
 * the whole process (a stack that is used up while a regular expression is compiled is not an exception) or takes all memory. Its lexer does
 * neither: it goes through the text once.
 */
import { Lexer } from 'yaml';

/** Levels of nesting in a config. */
export const MAX_DEPTH = 64;
/** Widest indentation of a level that anybody uses. */
const MAX_INDENT = 8 * MAX_DEPTH;
/** Pieces (keys, values, marks, blanks, comments, line ends) of a config. A megabyte of comments of 24 letters has less; so has any real config. */
export const MAX_TOKENS = 100_000;

/** The next token is a scalar, whatever it looks like. */
const SCALAR = '\u001f';
/** The end of a flow collection that was not closed. */
const FLOW_END = '\u0018';
const NESTED = 'is nested too deeply';

/** What is too much about a text, with its line; undefined if it may be parsed. Linear time, no recursion. */
export function excessOf(text: string, maxTokens = MAX_TOKENS): { line: number; message: string } | undefined {
  let [line, tokens, flowDepth, onLine] = [1, 0, 0, 0];
  let isLineStart = true;
  let isScalar = false;
  for (const token of new Lexer().lex(text)) {
    if (++tokens > maxTokens) return { line, message: 'has too many parts' };
    if (isScalar) {
      isScalar = false;
      line += countLines(token);
      continue;
    }
    if (token === SCALAR) isScalar = true;
    else if (token === FLOW_END) flowDepth = 0;
    else if (token === '[' || token === '{') flowDepth++;
    else if (token === ']' || token === '}') flowDepth = Math.max(0, flowDepth - 1);
    else if (token === '-' || token === '?' || token === ':') onLine += flowDepth === 0 ? 1 : 0;
    const isIndent = isLineStart && flowDepth === 0 && token.length > MAX_INDENT && token[0] === ' ';
    if (flowDepth > MAX_DEPTH || onLine > MAX_DEPTH || isIndent) return { line, message: NESTED };
    const newLines = countLines(token);
    line += newLines;
    isLineStart = newLines > 0;
    if (isLineStart) onLine = 0;
  }
  return undefined;
}

function countLines(token: string): number {
  let count = 0;
  for (let at = token.indexOf('\n'); at >= 0; at = token.indexOf('\n', at + 1)) count++;
  return count;
}
