import {
  type LineParser,
  shareOf,
  type Operation,
  read,
  remove,
  type TraceFormat,
  type TraceSink,
  unknownSize,
  write,
} from '../trace-format.ts';

/** Commands by what they do to the key that is their first argument. */
const reads =
  'get getex getrange substr getbit bitcount bitpos bitfield_ro strlen ttl pttl type exists dump ' +
  'hget hmget hgetall hexists hkeys hvals hlen hstrlen hscan hrandfield ' +
  'lrange lindex llen lpos smembers sismember smismember scard srandmember sscan ' +
  'zrange zrangebyscore zrangebylex zrevrange zrevrangebyscore zrevrangebylex zscore zmscore zrank zrevrank zcard zcount zlexcount zscan zrandmember ' +
  'pfcount geopos geodist geohash geosearch georadius_ro georadiusbymember_ro xrange xrevrange xlen json.get';
const writes =
  'set setex psetex setnx getset append setrange setbit bitfield incr decr incrby decrby incrbyfloat ' +
  'hset hsetnx hmset hincrby hincrbyfloat hdel lpush rpush lpushx rpushx lpop rpop lset linsert lrem ltrim ' +
  'sadd srem spop zadd zrem zincrby zpopmin zpopmax zremrangebyscore zremrangebyrank zremrangebylex ' +
  'pfadd geoadd xadd xtrim xdel json.set restore';
const removals = 'del unlink getdel';
/** Commands whose arguments are all keys. */
const ofManyKeys = new Set(['mget', 'exists', 'del', 'unlink', 'touch', 'pfcount']);
/** Where a whole value stands among the arguments, the command not counted: its length is the entry's size. */
const valueAt: Readonly<Record<string, number>> = {
  set: 1,
  setnx: 1,
  getset: 1,
  setex: 2,
  psetex: 2,
  restore: 2,
};

const operations: ReadonlyMap<string, Operation> = new Map([
  ...`${reads} mget touch`.split(' ').map((name) => [name, read] as const),
  ...`${writes} mset msetnx`.split(' ').map((name) => [name, write] as const),
  ...removals.split(' ').map((name) => [name, remove] as const),
]);

const head = /^\+?(\d+\.\d+) \[(\d+) [^\]]*\] (".*)$/;

/**
 * What Redis and Valkey print in `MONITOR`, through `redis-cli` or as it comes from the socket. Each key of a command is a request; commands without a key (`PING`, `MULTI`, scripts, whose own
 * commands are printed, too) are none. Keys of another database than 0 are told apart by its number.
 */
class RedisMonitor implements LineParser {
  line(text: string, sink: TraceSink): string | undefined {
    if (text === 'OK' || text === '+OK') return undefined;
    const match = head.exec(text);
    if (match === null) return 'is no line of MONITOR';
    const words = argumentsOf(match[3]!);
    if (words === undefined) return 'has quotes that do not close';
    const [command, ...given] = words;
    const name = command!.toLowerCase();
    const operation = operations.get(name);
    if (operation === undefined || given.length === 0) {
      sink.ignored();
      return undefined;
    }
    const time = Number(match[1]) * 1000;
    const database = match[2] === '0' ? '' : `${match[2]}:`;
    if (name === 'mset' || name === 'msetnx') {
      for (let at = 0; at + 1 < given.length; at += 2)
        sink.request(database + given[at]!, operation, given[at + 1]!.length, time);
    } else if (ofManyKeys.has(name)) {
      for (const key of given) sink.request(database + key, operation, unknownSize, time);
    } else if (name === 'getdel') {
      sink.request(database + given[0]!, read, unknownSize, time);
      sink.request(database + given[0]!, remove, unknownSize, time);
    } else {
      const value = valueAt[name] === undefined ? undefined : given[valueAt[name]];
      sink.request(database + given[0]!, operation, value?.length ?? unknownSize, time);
    }
    return undefined;
  }
}

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', a: '\x07', b: '\b' };

/** The quoted words of a line, `undefined` when it is cut. */
function argumentsOf(text: string): string[] | undefined {
  const words: string[] = [];
  let at = 0;
  while (at < text.length) {
    if (text[at] !== '"') return undefined;
    let end = at + 1;
    let plain = true;
    while (end < text.length && text[end] !== '"') {
      if (text[end] === '\\') {
        plain = false;
        end++;
      }
      end++;
    }
    if (end >= text.length) return undefined;
    const word = text.slice(at + 1, end);
    words.push(plain ? word : unescaped(word));
    at = end + 1;
    if (at < text.length && text[at++] !== ' ') return undefined;
  }
  return words;
}

function unescaped(word: string): string {
  return word.replace(/\\(?:x([0-9a-f]{2})|(.))/g, (_, code: string | undefined, letter: string) =>
    code === undefined ? (escapes[letter] ?? letter) : String.fromCharCode(Number.parseInt(code, 16)),
  );
}

export const redisMonitor: TraceFormat = {
  name: 'redis-monitor',
  title: "Redis' and Valkey's MONITOR",
  example: '1795655809.680077 [0 127.0.0.1:35770] "get" "user:1"',
  likeness: (lines) => shareOf(lines, head),
  parser: () => new RedisMonitor(),
};
