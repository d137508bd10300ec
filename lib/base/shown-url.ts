/** What may be shown of a URL: who is asked for what, without user, password and query. */
export function shownUrl(text: string): string {
  try {
    const { protocol, host, pathname } = new URL(text);
    // Braces in a path are escaped, those of what is not known yet, too.
    return `${protocol}//${host}${pathname.replace(/\$%7B(\w+)%7D/g, '${$1}')}`;
  } catch {
    return 'a URL';
  }
}
