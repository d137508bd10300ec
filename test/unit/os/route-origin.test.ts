import t from 'tap';
import { CONFIG_PROTOCOL, originOfAddress, originOfRoute, POD_PROTOCOL } from '../../../lib/os/route-origin.js';

t.equal(originOfRoute(CONFIG_PROTOCOL), 'config');
t.equal(originOfRoute(POD_PROTOCOL), 'pods');
t.equal(originOfRoute('dhcp'), 'dhcp');
t.equal(originOfRoute(99), '99');
t.equal(originOfAddress({ protocol: CONFIG_PROTOCOL }), 'config');
t.equal(originOfAddress({ protocol: 2, validLifetimeSec: 100 }), 'ra');
t.equal(originOfAddress({ protocol: 3 }), 'kernel');
t.equal(originOfAddress({ protocol: 0, validLifetimeSec: 100 }), 'dhcp');
t.equal(originOfAddress({ protocol: 0 }), '');
