import t from 'tap';
import { healthOf } from '../../../lib/networkd/health.js';

const eth0 = { link: 'eth0', carrier: true, address: '192.0.2.7/24', otherAddresses: [], dhcp: true };
const eth1 = {
  link: 'eth1',
  carrier: true,
  address: '',
  otherAddresses: ['198.51.100.7/24', 'fd00::7/64'],
  dhcp: false,
};

t.strictSame(healthOf([eth0, eth1]), {
  healthy: true,
  message: 'eth0 has 192.0.2.7/24; eth1 has 198.51.100.7/24, fd00::7/64',
});
t.strictSame(healthOf([{ ...eth1, otherAddresses: [] }]), { healthy: true, message: 'eth1 has no address' });
t.strictSame(healthOf([]), { healthy: true, message: 'no interface is to be configured' });
t.strictSame(healthOf([{ ...eth0, carrier: false }, eth1]), { healthy: false, message: 'eth0 has no carrier' });
t.match(healthOf([eth1, { ...eth0, address: '' }]), { healthy: false, message: /^eth0 has no address yet/ });
