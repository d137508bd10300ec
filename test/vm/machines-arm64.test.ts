// The kernel and the image of arm64 on other machines than the usual one: disks, network cards, firmware, sizes.
import t from 'tap';
import { bootsOnSome } from '../helpers/checks/hardware.js';
import { seconds } from '../helpers/deadline.js';

t.setTimeout(seconds(360));
bootsOnSome(t, 'arm64');
