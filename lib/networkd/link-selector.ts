import type { LinkSelector } from '../config/network-document.js';
import type { LinkFacts } from './link-facts.js';

/** Whether an interface has all that is asked for. Pure. */
export function isSelected(selector: LinkSelector, { link, device }: LinkFacts): boolean {
  const { name, busPath, hardwareAddr, pciId, driver, isPhysical } = selector;
  return (
    (name === undefined || name === link.name || link.alternativeNames.includes(name)) &&
    matches(hardwareAddr, link.mac) &&
    matches(busPath, device?.busPath ?? '') &&
    matches(pciId, device?.pciId ?? '') &&
    matches(driver, device?.driver ?? '') &&
    (isPhysical === undefined || isPhysical === (device !== undefined))
  );
}

/** `*` stands for any text. By the parts between them, without a regular expression of somebody's making. */
function matches(pattern: string | undefined, text: string): boolean {
  if (pattern === undefined) return true;
  const [first = '', ...parts] = pattern.split('*');
  const last = parts.pop();
  if (last === undefined) return pattern === text;
  if (!text.startsWith(first)) return false;
  let position = first.length;
  for (const part of parts) {
    const at = text.indexOf(part, position);
    if (at === -1) return false;
    position = at + part.length;
  }
  return text.endsWith(last) && text.length - last.length >= position;
}
