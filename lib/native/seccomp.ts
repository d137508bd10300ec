import { constants } from 'node:os';
import { argumentError, checkInteger, checkName, checkObject, checkString } from './arguments.js';
import type { SeccompAction, SeccompComparison, SeccompFilter, SeccompRule } from './contract.js';

type RawRule = [names: string[], comparisons: (number | bigint)[], action: number];

/** What the addon itself exports: actions are the kernel's numbers, operators positions in `OPERATORS`. */
export interface RawSeccomp {
  /** @throws EINVAL with what is wrong in `stage` · E2BIG */
  compileSeccomp(defaultAction: number, rules: RawRule[]): Buffer;
  installSeccomp(program: Buffer): void;
}

/** In the order of seccomp::Operator. */
const OPERATORS: readonly string[] = ['==', '!=', '<', '<=', '>', '>=', 'masked'];
const OPERATOR_NAMES: ReadonlySet<string> = new Set(OPERATORS);
/** SECCOMP_RET_* of linux/seccomp.h. */
const ACTIONS: Readonly<Record<string, number>> = { allow: 0x7fff_0000, log: 0x7ffc_0000, 'kill-process': 0x8000_0000 };
const ACTION_NAMES: ReadonlySet<string> = new Set(Object.keys(ACTIONS));
const ERRNO_ACTION = 0x0005_0000;
const ERRNO_NAMES: ReadonlySet<string> = new Set(Object.keys(constants.errno));
const LAST_ARGUMENT = 5;
const MAX_REGISTER = (1n << 64n) - 1n;

/**
 * Makes the program for the kernel of this architecture.
 * @param name  of the argument, for errors
 * @throws TypeError ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE: an unknown system call, action, operator or errno; a value that is no 64-bit
 *   number; a mask that the value does not lie in; more than 16 comparisons in a rule or more than the kernel takes at all
 */
export function compileSeccomp(raw: RawSeccomp, filter: SeccompFilter, name: string): Buffer {
  checkObject(filter, name);
  const defaultAction = actionNumber(filter.defaultAction, `${name}.defaultAction`);
  const { rules } = filter;
  if (!Array.isArray(rules)) throw argumentError('ERR_INVALID_ARG_TYPE', `${name}.rules`, 'an array', rules);
  const rawRules = rules.map((rule, position) => toRawRule(rule, `${name}.rules[${position}]`));
  try {
    return raw.compileSeccomp(defaultAction, rawRules);
  } catch (error) {
    // What is wrong with it is known there (the tables of names are), but it is the caller's mistake all the same.
    const { stage } = error as { stage?: string };
    if (stage === undefined) throw error;
    throw Object.assign(new TypeError(`The argument '${name}' is no filter: ${stage}`), {
      code: 'ERR_INVALID_ARG_VALUE',
      cause: error,
    });
  }
}

/**
 * A filter that is set before exec and forbids it would make each start fail.
 * @throws TypeError ERR_INVALID_ARG_VALUE
 */
export function checkAllowsExec(filter: SeccompFilter, name: string): void {
  const { defaultAction, rules } = filter;
  const about = rules.filter(({ syscalls }) => syscalls.includes('execve'));
  // Those behind one without conditions are never reached; which of the others match is known to the kernel only.
  const last = about.findIndex(({ where = [] }) => where.length === 0);
  const reached = last === -1 ? about : about.slice(0, last + 1);
  const actions = reached.map(({ action = 'allow' }) => action);
  if (last === -1) actions.push(defaultAction);
  if (!actions.includes('allow') && !actions.includes('log')) {
    throw argumentError('ERR_INVALID_ARG_VALUE', name, "a filter that allows 'execve'", filter);
  }
}

function toRawRule(rule: SeccompRule, name: string): RawRule {
  checkObject(rule, name);
  const { syscalls, where = [], action = 'allow' } = rule;
  if (!Array.isArray(syscalls)) throw argumentError('ERR_INVALID_ARG_TYPE', `${name}.syscalls`, 'an array', syscalls);
  for (const syscall of syscalls) checkString(syscall, `${name}.syscalls`);
  if (!Array.isArray(where)) throw argumentError('ERR_INVALID_ARG_TYPE', `${name}.where`, 'an array', where);
  const comparisons = where.flatMap((comparison) => toRawComparison(comparison, `${name}.where`));
  return [syscalls, comparisons, actionNumber(action, `${name}.action`)];
}

function toRawComparison(comparison: SeccompComparison, name: string): (number | bigint)[] {
  checkObject(comparison, name);
  const { argument, operator, value } = comparison;
  checkInteger(argument, `${name}.argument`, 0, LAST_ARGUMENT);
  checkName(operator, `${name}.operator`, OPERATOR_NAMES);
  const mask = comparison.operator === 'masked' ? register(comparison.mask, `${name}.mask`) : 0n;
  return [argument, OPERATORS.indexOf(operator), register(value, `${name}.value`), mask];
}

function register(value: unknown, name: string): bigint {
  if (typeof value !== 'bigint') {
    checkInteger(value, name, 0);
    return BigInt(value);
  }
  if (value < 0n || value > MAX_REGISTER) throw argumentError('ERR_INVALID_ARG_VALUE', name, 'of 64 bits', value);
  return value;
}

function actionNumber(action: SeccompAction, name: string): number {
  if (typeof action === 'string') {
    checkName(action, name, ACTION_NAMES);
    return ACTIONS[action] as number;
  }
  checkObject(action, name);
  checkName(action.errno, `${name}.errno`, ERRNO_NAMES);
  return ERRNO_ACTION + constants.errno[action.errno as keyof typeof constants.errno];
}
