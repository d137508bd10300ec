import {
  authoritiesOf,
  ConfigError,
  type ParsedMachineConfig,
  parseMachineConfig,
  problemIn,
} from '../config/index.js';
import { authorityProblem } from '../pki/index.js';

/**
 * As a node would check it: fields, and whether certificates and keys are what they should be.
 * @throws ConfigError  with all problems, file and line
 */
export function checkMachineConfig(text: string, what: string): ParsedMachineConfig {
  const parsed = parseMachineConfig(text, what);
  const problems = authoritiesOf(parsed.config).flatMap(({ path, pair }) => {
    const problem = authorityProblem(pair);
    return problem ? [problemIn(parsed, [...path, problem.field], problem.message)] : [];
  });
  if (problems.length > 0) throw new ConfigError(problems, what);
  return parsed;
}
