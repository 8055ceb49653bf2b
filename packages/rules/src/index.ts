export { AccessListReader, type ListSummary, parseAccessList } from './access-list.ts'
export {
  type Address,
  address4,
  address6,
  clientKey,
  dnsQueryName,
  isPrivate,
  parseAddress,
} from './address.ts'
export { type DisarmReason, disarmReasons } from './arming.ts'
export { type BackendReplies, type BackendWord, backendWords, type ReplyStage, wordOf } from './backend-word.ts'
export { isBlock, mayBlock, usualSuspectFrom } from './block.ts'
export { BoundedMap, dropOldest } from './bounded-map.ts'
export { type ArmingChange, Breakers, type Passage } from './breakers.ts'
export {
  type Action,
  actions,
  type Check,
  check,
  fail,
  type Outcome,
  pass,
  type Question,
  questions,
  type Stage,
  todo,
  unknown,
  vouch,
  type Words,
} from './check.ts'
export type { BreakerLimits } from './check-breaker.ts'
export { type CheckName, checks, type OwnName } from './checks/index.ts'
export { Credence, type CredenceChange, nothingDisbelieved, type TeachingWord, teachingWords } from './credence.ts'
export { Deferrals } from './deferrals.ts'
export {
  type Bearing,
  type Delays,
  delayOf,
  leftForBackend,
  lineDelayOf,
  type Moment,
  moments,
  mostForAny,
  mostForClean,
  mostForData,
  mostForReply,
  noDelays,
  patience,
} from './delay.ts'
export type { DnsAnswer, DnsInquiry, DnsQuestion } from './dns.ts'
export type { DnsblFinding } from './dnsbl.ts'
export { DnsblRank, type DnsblResult, type TtlBounds } from './dnsbl-rank.ts'
export { type DnsblZone, distinctDomains, type OctetPattern, parseZone, readAnswer } from './dnsbl-zone.ts'
export { type Access, Facts } from './facts.ts'
export { factsFromRecord, factsToRecord } from './facts-record.ts'
export { genericSign } from './generic-name.ts'
export { type GreyTimes, greyTuple, standInsOf, writersOf } from './greylist.ts'
export { type HelloClaim, readHello } from './hello.ts'
export { HelloHistory } from './hello-history.ts'
export { type HelloName, inquireHello } from './hello-name.ts'
export { identitiesOf, nameIdentity, networkKey, senderIdentity } from './identity.ts'
export { judge, judgeAgain, judgeRecipient, type Past } from './judge.ts'
export { type Entry, Ledger, type LedgerRow, precisionRate } from './ledger.ts'
export { type LoadLimits, type LoadReading, shedShare } from './load.ts'
export { type Lesson, lessonOf, reputeOf, speaksForNetwork, unknownOf } from './memory.ts'
export { contains, formatNetwork, type Network, networkOf, parseNetwork } from './network.ts'
export { NetworkSet, NetworkSetBuilder } from './network-set.ts'
export { type Party, Plans } from './plans.ts'
export {
  type CheckSettings,
  defaultPreset,
  defaultScore,
  type Exception,
  makePlan,
  type Plan,
  type PlannedCheck,
  type Policy,
} from './policy.ts'
export { Aftermath, type Extent, type PrecisionWord, precisionOf, precisionWords } from './precision.ts'
export { type Preset, presetSettings, presets } from './preset.ts'
export { admit, type Rate } from './rate.ts'
export {
  type Fading,
  faded,
  goodWordGap,
  isEstablished,
  lifeOf,
  mostCounted,
  noRepute,
  type Repute,
  type Reputes,
  type Standing,
  scoreBounds,
  standingOf,
  together,
  usualFading,
} from './reputation.ts'
export type { ReverseName } from './reverse-name.ts'
export { inquireSender, type SenderDomain, senderDomainOf } from './sender-domain.ts'
export { isAsked, isSettled, isWaiting } from './settled.ts'
export { checkHost } from './spf/evaluation.ts'
export { type SpfFinding, type SpfResult, spfResults } from './spf.ts'
export { Tally } from './tally.ts'
export { type Instant, never } from './time.ts'
export { endsDialogue, isWorse, type Verdict } from './verdict.ts'
