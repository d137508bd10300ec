/** Examples for the help texts of commands that have none of their own where they are defined. */
import type { Command } from 'commander';

const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  'cluster create': [
    'osctl cluster create --name demo',
    'osctl cluster create --memory 4096 --cpus 4 --disk-size 40GiB',
    'osctl cluster create --arch arm64 --disk nvme --firmware uefi',
    'osctl cluster create --kubernetes v1.20.2 --workers 1',
  ],
  'cluster destroy': ['osctl cluster destroy --name demo'],
  'cluster show': ['osctl cluster show --name demo -o json'],
  completion: ['source <(osctl completion bash)', 'osctl completion fish > ~/.config/fish/completions/osctl.fish'],
  'config add': ['osctl config add demo --ca ca.crt --crt admin.crt --key admin.key'],
  'config context': ['osctl config context demo'],
  'config contexts': ['osctl config contexts -o yaml'],
  'config endpoint': ['osctl config endpoint 10.5.0.2 10.5.0.3'],
  'config info': ['osctl config info --context demo'],
  'config merge': ['osctl config merge ./talosconfig'],
  'config node': ['osctl config node 10.5.0.2 10.5.0.3'],
  'config remove': ["osctl config remove 'demo-*' --dry-run"],
  'gen ca': ['osctl gen ca --organization demo'],
  'gen config': [
    'osctl gen config demo https://10.5.0.2:6443',
    'osctl gen config demo https://10.5.0.2:6443 -o demo/ --config-patch @all.yaml',
    "osctl gen config demo https://10.5.0.2:6443 --config-patch-worker 'machine: {time: {servers: [10.5.0.1]}}'",
  ],
  'gen crt': ['osctl gen crt --ca demo --csr admin.csr --name admin'],
  'gen csr': ['osctl gen csr --key admin.key --ip 127.0.0.1 --roles os:reader'],
  'gen key': ['osctl gen key --name admin'],
  'gen keypair': ['osctl gen keypair --ip 10.5.0.2 --organization demo'],
  ps: ['osctl ps', 'osctl ps -k -n 10.5.0.2,10.5.0.3'],
  reboot: ['osctl reboot -n 10.5.0.2', 'osctl reboot --mode powercycle --timeout 10m'],
  service: ['osctl service', 'osctl service osd', 'osctl service machined restart'],
  shutdown: ['osctl shutdown -n 10.5.0.2', 'osctl shutdown --force --no-wait'],
  validate: ['osctl validate -c controlplane.yaml', 'osctl validate --strict -c - < worker.yaml'],
  version: ['osctl version --client', 'osctl version --short -n 10.5.0.2'],
};

/** Adds them to the commands of a program. */
export function addExamples(command: Command, path = ''): void {
  const lines = EXAMPLES[path];
  if (lines !== undefined) {
    command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  ${line}\n`).join('')}`);
  }
  for (const child of command.commands) addExamples(child, path === '' ? child.name() : `${path} ${child.name()}`);
}
