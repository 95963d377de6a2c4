import type { Redis } from 'ioredis'
import type { JobKind } from '../../domain/work/job.ts'

/*
 * What BullMQ 6.7 cannot do in one step. The scripts use its keys (`de:` holds the job of a deduplication id, `dn:` the
 * request that waits for an active job to end, which its own scripts turn into a job) and its way to score jobs.
 */

const shared = `
local prefix, now = ARGV[1], tonumber(ARGV[2])
local deKey, dnKey, active, prioritized, wait, delayed, marker, counter = unpack(KEYS)
local lanes = 100000

local function stateOf(id)
  if redis.call('ZSCORE', prioritized, id) then return 'prioritized' end
  if redis.call('ZSCORE', delayed, id) then return 'delayed' end
  if redis.call('LPOS', active, id) then return 'active' end
  if redis.call('LPOS', wait, id) then return 'wait' end
  return nil
end

local function enterLine(id, priority)
  local score = priority * 0x100000000 + redis.call('INCR', counter) % 0x100000000
  redis.call('ZADD', prioritized, score, id)
  redis.call('ZADD', marker, 0, '0')
end

-- The oldest time; the reason of the more urgent, of the newer at equal urgency.
local function mergeData(old, oldPriority, new, newPriority)
  local ok, a = pcall(cjson.decode, old)
  if not ok or type(a) ~= 'table' or type(a.requestedAt) ~= 'string' then return new end
  local b = cjson.decode(new)
  if math.floor(newPriority / lanes) <= math.floor(oldPriority / lanes) then a.reason = b.reason end
  if b.requestedAt < a.requestedAt then a.requestedAt = b.requestedAt end
  return cjson.encode(a)
end

-- Lets a job that has not begun answer one more request.
local function joinJob(id, state, request)
  local key = prefix .. id
  local fields = redis.call('HMGET', key, 'data', 'priority', 'ats')
  local before = tonumber(fields[2]) or 0
  local priority = math.min(before, request.priority)
  if request.data ~= '' then
    redis.call('HSET', key, 'data', mergeData(fields[1] or '', before, request.data, request.priority))
  end
  redis.call('HSET', key, 'priority', priority)
  if state == 'prioritized' and priority < before then enterLine(id, priority) end
  if state ~= 'delayed' then return end
  local hasRun = (tonumber(fields[3]) or 0) > 0
  if hasRun and not request.urgent then return end
  if request.urgent then redis.call('HDEL', key, 'atm') end
  if request.due <= now then
    redis.call('ZREM', delayed, id)
    redis.call('HSET', key, 'delay', 0)
    enterLine(id, priority)
  elseif request.due < math.floor(tonumber(redis.call('ZSCORE', delayed, id)) / 0x1000) then
    redis.call('ZADD', delayed, request.due * 0x1000, id)
    redis.call('HSET', key, 'delay', request.due - now)
    redis.call('ZADD', marker, request.due, '1')
  end
end

-- A request that waited for a run to end joins the job when that run ended with a wait.
local function foldNext(id, state)
  local fields = redis.call('HMGET', dnKey, 'data', 'opts', 'jid')
  if not fields[1] then return end
  local opts = cjson.decode(fields[2])
  local urgent = opts.priority < 3 * lanes
  joinJob(id, state, { priority = opts.priority, data = fields[1], due = now + (opts.delay or 0), urgent = urgent })
  redis.call('SET', prefix .. 'alias:' .. fields[3], '@' .. id, 'PX', 86400000)
  redis.call('DEL', dnKey)
end
`

/**
 * ARGV: prefix, now, priority, data, due, urgent, id and options for a job that must wait for the active one, kind, deduplication id, and
 * 1 where the active one answers the request.
 */
const join = `${shared}
local id = redis.call('GET', deKey)
if not id then return { 'none' } end
local state = redis.call('EXISTS', prefix .. id) == 1 and stateOf(id) or nil
if not state then
  redis.call('DEL', deKey)
  return { 'none' }
end
local request = { priority = tonumber(ARGV[3]), data = ARGV[4], due = tonumber(ARGV[5]), urgent = ARGV[6] == '1' }
if state ~= 'active' then
  foldNext(id, state)
  joinJob(id, state, request)
  return { 'joined', id }
end
if ARGV[11] == '1' then return { 'joined', id } end
local pending = redis.call('HMGET', dnKey, 'data', 'opts', 'jid')
if pending[1] then
  local opts = cjson.decode(pending[2])
  local data = mergeData(pending[1], opts.priority, request.data, request.priority)
  opts.priority = math.min(opts.priority, request.priority)
  opts.delay = math.min(opts.delay or 0, math.max(request.due - now, 0))
  redis.call('HSET', dnKey, 'data', data, 'opts', cjson.encode(opts))
  return { 'next', pending[3] }
end
redis.call('HSET', dnKey, 'name', ARGV[9], 'data', request.data, 'opts', ARGV[8], 'jid', ARGV[7])
redis.call('SET', prefix .. 'alias:' .. ARGV[7], ARGV[10], 'PX', 86400000)
return { 'next', ARGV[7] }
`

/**
 * ARGV: prefix, now, job id. For a job whose run ended with a wait. BullMQ wakes no idle worker for a job that it puts
 * back into the line.
 */
const settle = `${shared}
local state = stateOf(ARGV[3])
if state and state ~= 'active' and redis.call('GET', deKey) == ARGV[3] then foldNext(ARGV[3], state) end
if state == 'prioritized' then redis.call('ZADD', marker, 0, '0') end
return state or ''
`

/** ARGV: prefix, now, job id, priority. A person wants a waiting job to run next. */
const raise = `${shared}
local state = redis.call('EXISTS', prefix .. ARGV[3]) == 1 and stateOf(ARGV[3]) or nil
if state ~= 'delayed' and state ~= 'prioritized' then return 0 end
joinJob(ARGV[3], state, { priority = tonumber(ARGV[4]), data = '', due = now, urgent = true })
return 1
`

/**
 * ARGV: prefix, now, job id, priority, how, text, data (empty: as it is). Before a job goes back to wait: what is kept of its last run. No
 * request joins a job that is active, so that its data may be replaced.
 */
const recast = `${shared}
local key = prefix .. ARGV[3]
if redis.call('EXISTS', key) == 0 then return 0 end
redis.call('HSET', key, 'priority', ARGV[4])
redis.call('HDEL', key, 'stc')
if ARGV[7] ~= '' then redis.call('HSET', key, 'data', ARGV[7]) end
if ARGV[5] == 'again' then
  redis.call('HSET', key, 'progress', ARGV[6])
  redis.call('HDEL', key, 'atm', 'failedReason', 'stacktrace')
else
  redis.call('HDEL', key, 'progress')
end
return 1
`

/**
 * ARGV: prefix, now. Deletes a deduplication key whose job is gone (hazard B10) and gives the data, priority of a
 * request that would have been lost with it.
 */
const mend = `${shared}
local id = redis.call('GET', deKey)
local state = id and redis.call('EXISTS', prefix .. id) == 1 and stateOf(id) or nil
if state then
  if state ~= 'active' then foldNext(id, state) end
  return { '0' }
end
local lost = redis.call('HMGET', dnKey, 'data', 'opts')
local removed = redis.call('DEL', deKey, dnKey)
if lost[1] then return { tostring(removed), lost[1], tostring(cjson.decode(lost[2]).priority) } end
return { tostring(removed) }
`

/** ARGV: prefix, now, job id. Forgets a request that waits for the active run to end. */
const dropNext = `${shared}
if redis.call('HGET', dnKey, 'jid') ~= ARGV[3] then return 0 end
return redis.call('DEL', dnKey, prefix .. 'alias:' .. ARGV[3])
`

/** ARGV: prefix, now, lowest and highest score of a lane, places to move down. Keeps the order. */
const lower = `${shared}
local moved = redis.call('ZRANGEBYSCORE', prioritized, ARGV[3], ARGV[4], 'WITHSCORES')
for i = 1, #moved, 2 do
  redis.call('ZADD', prioritized, 'XX', tonumber(moved[i + 1]) - tonumber(ARGV[5]) * 0x100000000, moved[i])
  redis.call('HINCRBY', prefix .. moved[i], 'priority', -tonumber(ARGV[5]))
end
return #moved / 2
`

/** ARGV: prefix, now, job ids… of a process that is dead. Frees their locks, so that BullMQ sees them as stalled. */
const free = `${shared}
for i = 3, #ARGV do
  if redis.call('LPOS', active, ARGV[i]) then
    redis.call('DEL', prefix .. ARGV[i] .. ':lock')
    redis.call('SADD', prefix .. 'stalled', ARGV[i])
  end
end
redis.call('DEL', prefix .. 'stalled-check')
return #ARGV - 2
`

/**
 * ARGV: prefix, now. After the clock went back (hazard F3): no job waits longer from now on than it had to in all.
 */
const rewind = `${shared}
local moved = 0
local waiting = redis.call('ZRANGE', delayed, 0, -1, 'WITHSCORES')
for i = 1, #waiting, 2 do
  local delay = tonumber(redis.call('HGET', prefix .. waiting[i], 'delay'))
  local latest = now + (delay or 0)
  if delay and math.floor(tonumber(waiting[i + 1]) / 0x1000) > latest + 1000 then
    redis.call('ZADD', delayed, latest * 0x1000, waiting[i])
    redis.call('ZADD', marker, latest, '1')
    moved = moved + 1
  end
end
return moved
`

/** ARGV: prefix, now, job id, the most lines that are kept, lines… (oldest first). What BullMQ's `addLog` does for one line. */
const addLines = `
local key = ARGV[1] .. ARGV[3]
if redis.call('EXISTS', key) == 0 then return 0 end
redis.call('RPUSH', key .. ':logs', unpack(ARGV, 5))
redis.call('LTRIM', key .. ':logs', -ARGV[4], -1)
return 1
`

const sources = { join, settle, raise, recast, mend, dropNext, lower, free, rewind, addLines }
type ScriptName = keyof typeof sources

type Argument = string | number
/** Runs one script on the queue of a kind, for one deduplication id (empty where it plays no part). */
export type RunScript = (
  name: ScriptName,
  where: { kind: JobKind; dedupe: string },
  args: Argument[],
) => Promise<unknown>

/** Key prefix of a queue in Redis, with its last colon. */
export function keyPrefix(prefix: string, kind: JobKind): string {
  return `${prefix}:${kind}:`
}

/** Teaches a connection the scripts; `now` in milliseconds. */
export function createScripts(client: Redis, prefix: string, now: () => number): RunScript {
  for (const [name, lua] of Object.entries(sources)) {
    client.defineCommand(`capstan_${name}`, { numberOfKeys: 8, lua })
  }
  const commands = client as unknown as Record<string, (...args: Argument[]) => Promise<unknown>>
  return async (name, where, args) => {
    const base = keyPrefix(prefix, where.kind)
    const keys = [
      `de:${where.dedupe}`,
      `dn:${where.dedupe}`,
      'active',
      'prioritized',
      'wait',
      'delayed',
      'marker',
      'pc',
    ]
    return commands[`capstan_${name}`]?.(...keys.map((key) => base + key), base, now(), ...args)
  }
}
