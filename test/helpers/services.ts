import type { TestHome } from './node.js';

export interface ServiceView {
  id: string;
  state: string;
  pid: number;
}

/** What osctl says about one service now. */
export async function serviceState(home: TestHome, id: string): Promise<ServiceView> {
  const [services, containers] = await Promise.all([
    home.json<ServiceView[]>('service'),
    home.json<{ id: string; pid: number }[]>('ps'),
  ]);
  const service = services.find((each) => each.id === id);
  if (!service) throw new Error(`no service ${id} among ${services.map((each) => each.id).join(', ')}`);
  return { ...service, pid: containers.find((each) => each.id === id)?.pid ?? 0 };
}
