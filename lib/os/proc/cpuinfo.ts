import { columns, count } from './text.js';

export interface ProcessorInfo {
  processor: number;
  vendorId: string;
  cpuFamily: string;
  model: string;
  modelName: string;
  stepping: string;
  microcode: string;
  cpuMhz: number;
  cacheSize: string;
  physicalId: string;
  siblings: number;
  coreId: string;
  cpuCores: number;
  apicId: string;
  initialApicId: string;
  fpu: string;
  fpuException: string;
  cpuIdLevel: number;
  wp: string;
  flags: string[];
  bugs: string[];
  bogoMips: number;
  clFlushSize: number;
  cacheAlignment: number;
  addressSizes: string;
  powerManagement: string;
}

/**
 * /proc/cpuinfo: a paragraph a processor. arm64 has fields of its own, which take the places of those that mean nearly the same: implementer as vendor,
 * architecture as family, part as model, `r<variant>p<revision>` as stepping (lscpu has it so, too), features as flags.
 */
export function parseCpuInfo(text: string): ProcessorInfo[] {
  return text
    .split(/\n\s*\n/)
    .map(fieldsOf)
    .filter((fields) => fields.has('processor'))
    .map(processorInfo);
}

function fieldsOf(paragraph: string): Map<string, string> {
  return new Map(
    paragraph.split('\n').map((line) => {
      const colon = line.indexOf(':');
      return colon < 0 ? [line.trim(), ''] : [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
    }),
  );
}

function processorInfo(fields: Map<string, string>): ProcessorInfo {
  const text = (...names: string[]) => names.map((name) => fields.get(name)).find((value) => value !== undefined) ?? '';
  const words = (...names: string[]) => columns(text(...names)).filter((word) => word !== '');
  const variant = fields.get('CPU variant');
  return {
    processor: count(text('processor')),
    vendorId: text('vendor_id', 'CPU implementer'),
    cpuFamily: text('cpu family', 'CPU architecture'),
    model: text('model', 'CPU part'),
    modelName: text('model name'),
    stepping: variant === undefined ? text('stepping') : `r${Number(variant)}p${text('CPU revision')}`,
    microcode: text('microcode'),
    cpuMhz: count(text('cpu MHz')),
    cacheSize: text('cache size'),
    physicalId: text('physical id'),
    siblings: count(text('siblings')),
    coreId: text('core id'),
    cpuCores: count(text('cpu cores')),
    apicId: text('apicid'),
    initialApicId: text('initial apicid'),
    fpu: text('fpu'),
    fpuException: text('fpu_exception'),
    cpuIdLevel: count(text('cpuid level')),
    wp: text('wp'),
    flags: words('flags', 'Features'),
    bugs: words('bugs'),
    bogoMips: count(text('bogomips', 'BogoMIPS')),
    clFlushSize: count(text('clflush size')),
    cacheAlignment: count(text('cache_alignment')),
    addressSizes: text('address sizes'),
    powerManagement: text('power management'),
  };
}
