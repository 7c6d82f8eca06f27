import { describe, expect, test } from 'vitest';
import { LineReader } from '../line-reader.ts';
import { type FormatOptions, type Operation, read, remove, write } from '../trace-format.ts';
import { formatByName, guessFormat, traceFormats } from '../trace-formats.ts';

/** What a reader made of a text: requests as `operation key size time`, with what is not known left out. */
function readText(format: string, text: string, options: FormatOptions = {}) {
  const requests: string[] = [];
  const warnings: string[] = [];
  let ignored = 0;
  const words: Record<Operation, string> = { [read]: 'read', [write]: 'write', [remove]: 'remove' };
  const reader = new LineReader(formatByName(format).parser(options), {
    request(key, operation, size, time) {
      const known = [size < 0 ? '' : ` ${size}B`, Number.isNaN(time) ? '' : ` @${Number(time.toFixed(3))}`];
      requests.push(`${words[operation]} ${key}${known.join('')}`);
    },
    ignored: () => void ignored++,
    warn: (warning) => void warnings.push(warning),
  });
  reader.push(text);
  reader.end();
  return {
    requests,
    ignored,
    warnings,
    malformed: reader.firstMalformed.map(({ line, problem }) => `${line} ${problem}`),
  };
}

// Taken from memcached 1.6.18 with `watch fetchers mutations evictions`: a get that misses, a set, a get that hits, a multi-get, a set with a
// key that needs encoding, a delete (shown by its look-up alone).
const watched = `OK\r
ts=1795655827.538675 gid=2 type=conn_new rip=127.0.0.1 rport=51408 transport=tcp cfd=24
ts=1795655827.538715 gid=3 type=item_get key=user%3A1 status=not_found clsid=0 cfd=24 size=0
ts=1795655827.639821 gid=4 type=item_get key=user%3A1 status=not_found clsid=0 cfd=24 size=0
ts=1795655827.639828 gid=5 type=item_store key=user%3A1 status=stored cmd=set ttl=0 clsid=1 cfd=24 size=5
ts=1795655827.739319 gid=6 type=item_get key=user%3A1 status=found clsid=1 cfd=24 size=5
ts=1795655827.839713 gid=7 type=item_get key=user%3A1 status=found clsid=1 cfd=24 size=5
ts=1795655827.839722 gid=8 type=item_get key=user%3A2 status=not_found clsid=0 cfd=24 size=0
ts=1795655828.341001 gid=15 type=item_get key=umlaut-%C3%BC status=not_found clsid=0 cfd=24 size=0
ts=1795655828.341014 gid=16 type=item_store key=umlaut-%C3%BC status=stored cmd=set ttl=0 clsid=1 cfd=24 size=3
ts=1795655836.250196 gid=42 type=eviction key=big0 fetch=no ttl=-1 la=0 clsid=32 size=100000
`;

describe('memcached watch', () => {
  test('the look-up of a set is no request, and the set tells the size', () => {
    const { requests, ignored, malformed } = readText('memcached-watch', watched);
    expect(requests).toEqual([
      'read user:1 @1795655827538.715',
      // Not known yet that the log has mutations: taken for a set, which it is.
      'write user:1 @1795655827639.821',
      'write user:1 5B @1795655827639.828',
      'read user:1 5B @1795655827739.319',
      'read user:1 5B @1795655827839.713',
      'read user:2 @1795655827839.722',
      'write umlaut-\u00c3\u00bc 3B @1795655828341.014',
    ]);
    expect(ignored).toBe(2);
    expect(malformed).toEqual([]);
  });

  test('microseconds are written without leading zeros', () => {
    const line = 'ts=1795655828.40168 gid=11 type=item_get key=a status=not_found clsid=0 cfd=24 size=0\n';
    expect(readText('memcached-watch', line).requests).toEqual(['read a @1795655828040.168']);
  });

  test('without mutations, the second miss of a connection in a row is the set that fills the cache', () => {
    const get = (key: string, status: string, connection: number): string =>
      `ts=1.1 gid=1 type=item_get key=${key} status=${status} clsid=0 cfd=${connection} size=0\n`;
    const text =
      get('a', 'not_found', 1) +
      get('b', 'not_found', 1) +
      get('a', 'not_found', 2) +
      get('a', 'not_found', 1) +
      get('b', 'not_found', 1) +
      get('a', 'found', 1) +
      get('a', 'not_found', 1);
    expect(readText('memcached-watch', text).requests.map((each) => each.split(' @')[0])).toEqual([
      'read a',
      'read b',
      'read a',
      'write a',
      'write b',
      'read a',
      'read a',
    ]);
  });

  test('a delete, and what the server left out', () => {
    const text =
      'ts=5.000001 gid=1 type=item_get key=a status=found clsid=1 cfd=24 size=5\n' +
      'ts=5.000002 gid=2 type=deleted key=a cmd=delete clsid=1 size=5\n' +
      'skipped=12\n';
    const { requests, warnings } = readText('memcached-watch', text);
    expect(requests).toEqual(['remove a @5000.002']);
    expect(warnings).toHaveLength(1);
  });

  test('damaged lines are told', () => {
    const { malformed, requests } = readText(
      'memcached-watch',
      'ts=5.1 gid=1 type=item_get key= status=found\nxx\nts=a gid=1 type=item_get key=b\n',
    );
    expect(malformed).toEqual(['1 has no key', '2 is no line of a memcached log', '3 has no time']);
    expect(requests).toEqual([]);
  });
});

// From memcached 1.6.18, `lru_crawler metadump all`.
const dumped = `key=user%3A9 exp=1795655830 la=1795655800 cas=2 fetch=yes cls=1 size=65
key=page%3A%2Fa%2Fb%3Fx%3D1%26y%3D2 exp=1795655860 la=1795655800 cas=3 fetch=yes cls=15 size=2076
key=binary%00key exp=-1 la=1795655802 cas=7 fetch=no cls=1 size=72
END\r
`;

test('memcached metadump: each item once, with its size and last use', () => {
  const { requests, malformed } = readText('memcached-metadump', `${dumped}key=cut exp=-1 la=1\n`);
  expect(requests).toEqual([
    'read user:9 65B @1795655800000',
    'read page:/a/b?x=1&y=2 2076B @1795655800000',
    'read binary\u0000key 72B @1795655802000',
  ]);
  expect(malformed).toEqual(['5 has no size']);
});

// From Redis 7.0.15, `MONITOR`.
const monitored = String.raw`OK
1795655809.677977 [0 127.0.0.1:35770] "COMMAND" "DOCS"
1795655809.680077 [0 127.0.0.1:35770] "get" "user:1"
1795655809.680153 [0 127.0.0.1:35770] "set" "user:1" "hello \"world\" \\ back"
1795655809.680203 [0 127.0.0.1:35770] "setex" "page:/a" "60" "line\nbreak\x00\xff"
1795655809.680240 [0 127.0.0.1:35770] "mget" "user:1" "user:2"
1795655809.680426 [0 127.0.0.1:35770] "del" "user:1" "user:2"
1795655809.680471 [0 127.0.0.1:35770] "getdel" "h"
1795655809.680554 [2 127.0.0.1:35770] "GET" "key with space"
1795655809.680672 [2 lua] "hgetall" "h"
1795655809.680721 [2 127.0.0.1:35770] "multi"
1795655809.681038 [0 unix:/tmp/redis.sock] "mset" "a" "1" "b" "22"
`;

test('Redis MONITOR: a request per key; sizes where a whole value is written', () => {
  const { requests, ignored, malformed } = readText(
    'redis-monitor',
    `${monitored}1795655809.7 [0 a] "get" "cut\nnoise\n`,
  );
  expect(requests.map((each) => each.replace('1795655809', '~'))).toEqual([
    'read user:1 @~680.077',
    'write user:1 20B @~680.153',
    'write page:/a 12B @~680.203',
    'read user:1 @~680.24',
    'read user:2 @~680.24',
    'remove user:1 @~680.426',
    'remove user:2 @~680.426',
    'read h @~680.471',
    'remove h @~680.471',
    'read 2:key with space @~680.554',
    'read 2:h @~680.672',
    'write a 1B @~681.038',
    'write b 2B @~681.038',
  ]);
  expect(ignored).toBe(2);
  expect(malformed).toEqual(['13 has quotes that do not close', '14 is no line of MONITOR']);
});

// The examples of Apache's and nginx's manuals, and what scanners send.
const accessed = String.raw`127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif HTTP/1.0" 200 2326
127.0.0.1 - frank [10/Oct/2000:13:55:37 -0700] "GET /apache_pb.gif HTTP/1.0" 304 - "http://www.example.com/start.html" "Mozilla/4.08 [en] (Win98; I ;Nav)"
shop.example.com:443 10.0.0.1 - - [26/Nov/2026:09:00:00 +0000] "HEAD /a?b=1&c=2 HTTP/2.0" 200 0 "-" "curl/8"
10.0.0.1 - - [26/Nov/2026:09:00:00 +0000] "POST /order HTTP/1.1" 201 12 "-" "-"
10.0.0.1 - - [26/Nov/2026:09:00:00 +0000] "\x16\x03\x01\x00\"" 400 150 "-" "-"
10.0.0.1 - - [26/Nov/2026:09:00:01 +0000] "GET /part HTTP/1.1" 206 500 "-" "say \"hi\"" 0.003
2001:db8::1 - Jane Doe [26/Foo/2026:09:00:01 +0000] "GET / HTTP/1.1" 200 5
`;

test('access logs: GET and HEAD are requests for path and query', () => {
  const { requests, ignored, malformed } = readText('access-log', accessed);
  expect(requests).toEqual([
    `read /apache_pb.gif 2326B @${Date.parse('2000-10-10T20:55:36Z')}`,
    `read /apache_pb.gif @${Date.parse('2000-10-10T20:55:37Z')}`,
    `read /a?b=1&c=2 @${Date.parse('2026-11-26T09:00:00Z')}`,
    `read /part @${Date.parse('2026-11-26T09:00:01Z')}`,
  ]);
  expect(ignored).toBe(2);
  expect(malformed).toEqual(['7 has no time that can be read']);
});

describe('CSV', () => {
  test('columns by their usual names, quoted fields, operations', () => {
    const text = 'Timestamp;Obj_ID;Size;op\n1;a;5;GET\n2;"b;""x""";;set\n3;c;7;delete\n4;d;1;flush\n';
    expect(readText('csv', text)).toEqual({
      requests: ['read a 5B @1000', 'write b;"x" @2000', 'remove c 7B @3000'],
      ignored: 1,
      warnings: [],
      malformed: [],
    });
  });

  test('columns by name and by number', () => {
    expect(
      readText('csv', 'when,what\n2026-11-26T00:00:00Z,x\n', { columns: { key: 'what', time: 'When' } })
        .requests,
    ).toEqual([`read x @${Date.parse('2026-11-26T00:00:00Z')}`]);
    expect(
      readText('csv', '1700000000000,7,512\n', { columns: { key: '2', size: '3', time: '1' } }).requests,
    ).toEqual(['read 7 512B @1700000000000']);
  });

  test('a column that is not there is refused', () => {
    expect(() => readText('csv', 'a,b\n1,2\n')).toThrow("Option 'columns'");
    expect(() => readText('csv', 'key,b\n1,2\n', { columns: { size: 'c' } })).toThrow('size=c');
  });

  test('damaged lines are told', () => {
    const text = 'key,size,time\na,1,1\n"a,1,1\na,1\n,1,1\na,big,1\na,1,noon\n';
    expect(readText('csv', text).malformed).toEqual([
      '3 has quotes that do not close',
      '4 has 2 fields, not 3',
      '5 has no key',
      "6 has the size 'big', which is no number of bytes",
      "7 has the time 'noon', which cannot be read",
    ]);
  });
});

describe('plain', () => {
  test('a key, or key,size', () => {
    expect(readText('plain', '1\r\nuser:7,512\n\n3').requests).toEqual([
      'read 1',
      'read user:7 512B',
      'read 3',
    ]);
  });

  test('damaged lines are told', () => {
    expect(readText('plain', ',5\na b\na,\na,x\na,1,2\n').malformed).toEqual([
      '1 has no key',
      '2 has a blank in its key',
      '3 has nothing after the comma',
      '4 has no size after the comma',
      '5 has no size after the comma',
    ]);
  });

  test('as keys, all of a line is the key', () => {
    expect(readText('keys', 'select 1, 2\na,5\n').requests).toEqual(['read select 1, 2', 'read a,5']);
  });
});

describe('the format is guessed', () => {
  test.each([
    ['memcached-watch', watched],
    ['memcached-metadump', dumped],
    ['redis-monitor', monitored],
    ['access-log', accessed],
    ['csv', 'time,key,size\n1,a,5\n'],
    ['csv', 'key\na\n'],
    ['csv', 'timestamp\turl\n5\t/a\n'],
    ['plain', '17\n4\n17\n'],
    ['plain', 'user:7,5\nuser:8,6\n'],
    ['plain', 'key,5\nother,6\n'],
    ['plain', 'a\nb c\nd e\nf\n'],
  ])('%s', (name, text) => {
    expect(guessFormat(text.split('\n').map((line) => line.replace('\r', '')))?.name).toBe(name);
  });

  test.each([
    ['{"a": 1}\n{ "b": 2 }'],
    ['# a title\n\nSome words.\nAnd\nsome more of them.\nAnd so on.'],
    ['a,b,c\n1,2,3'],
    [''],
  ])('not for %j', (text) => {
    expect(guessFormat(text.split('\n'))).toBeUndefined();
  });

  test('each example is of its format, and can be read', () => {
    for (const format of traceFormats) {
      if (format.name !== 'keys') expect(guessFormat([format.example])?.name).toBe(format.name);
      expect(readText(format.name, format.example).malformed).toEqual([]);
    }
  });
});

test('a format that does not exist is refused with the names of those that do', () => {
  expect(() => formatByName('xml')).toThrow(
    'memcached-watch, memcached-metadump, redis-monitor, access-log, csv, plain, keys',
  );
});
