import Elements
import Relay
import SIP
import SIPSyntax

/// What a carrier writes down of one call, to bill it.
struct CarrierLeg {
  let number: String
  let tariff: CarrierTariff
  /// What the customer pays by the same clock.
  let sell: CarrierTariff
  let isEmergency: Bool
  /// Its 200 left.
  var answeredAt: Instant?
  /// It stopped counting.
  var stoppedAt: Instant?
  /// When the switch could first know of the answer, and when it first asked for the end or died.
  var answerSeen: Instant?
  var stopAsked: Instant?
  /// BYEs that get lost in its network.
  var byesToLose = 0
  /// Ends calls without media after so long; nil: never looks.
  var mediaPatience: Duration?
  /// Answers although it was cancelled.
  var answersCancel = false
  /// The process that knew it has died, and no other has asked for its end: it died before the answer was on disk.
  var isForsaken = false
  /// Whose further fork it is; without its answer nobody knows of it.
  var original: Int?
  /// A further fork of it has been heard of: so its hold pays for that one, until its own answer comes, too.
  var paysForFork = false
  /// The batch before the one that says of a further fork that it has answered.
  var heardBehind: UInt64?

  init(number: String, tariff: CarrierTariff, sell: CarrierTariff, isEmergency: Bool) {
    (self.number, self.tariff, self.sell) = (number, tariff, sell)
    self.isEmergency = isEmergency
  }

  /// A further fork of the same call.
  init(fork leg: CarrierLeg, of original: Int, answeredAt: Instant) {
    self.init(number: leg.number, tariff: leg.tariff, sell: leg.sell, isEmergency: leg.isEmergency)
    (self.answeredAt, self.original) = (answeredAt, original)
  }

  /// Whether the switch has to pay for it; an answer that nobody has heard may yet have been given.
  var isKnown: Bool {
    if original != nil { return heardBehind != nil }
    return answerSeen != nil || !paysForFork
  }

  /// What it bills if it is asked now: from its answer to its end.
  func talk(at now: Instant) -> Duration {
    guard let answeredAt else { return .zero }
    return (stoppedAt ?? now) - answeredAt
  }

  /// The part of it that the switch is answerable for: from when the answer reached it, until it asked for
  /// the end or died, and the guard behind that.
  func due(at now: Instant, guardTime: Duration) -> Duration {
    guard let answerSeen else { return .zero }
    var end = stoppedAt ?? now
    if let stopAsked { end = min(end, stopAsked + guardTime) }
    return max(.zero, end - answerSeen)
  }

  /// All of it that the switch could know of: its calls are over, so that their ends are proven.
  func proven(at now: Instant) -> Duration {
    guard let answerSeen else { return .zero }
    return max(.zero, (stoppedAt ?? now) - answerSeen)
  }
}

/// A carrier: answers early, late, twice or never, loses BYEs, and bills what it saw by its own tariff.
final class Carrier: SimulatedAgent {
  /// Its position among the trunks of the town.
  let trunk: Int
  /// By call of ``SimulatedAgent/calls``; nil for calls that it places itself.
  var legs: [CarrierLeg?] = []
  /// The INVITEs, where forks are planned, and the answers of forks that wait for their ACK.
  var invites: [Int: [UInt8]] = [:]
  var forks: [Int: [UInt8]] = [:]
  private var byCallID: [[UInt8]: Int] = [:]
  /// By Call-ID: until when an INVITE lay in its queue, with all its copies, and whose ports it names.
  private var queued: [[UInt8]: (until: Instant, session: MediaSessionID?)] = [:]

  init(_ world: World, index: Int, trunk: Int, endpoint: Endpoint) {
    self.trunk = trunk
    super.init(world, index: index, endpoint: endpoint, user: "", domain: "carrier.example")
  }

  override func newCall(isCaller: Bool, number: String) -> Int {
    let call = super.newCall(isCaller: isCaller, number: number)
    legs.append(nil)
    return call
  }

  // MARK: - What it sees on its wire

  /// The leg of a message between it and the switch.
  func leg(of bytes: [UInt8]) -> Int? {
    if let fork = Wire.fork(in: bytes) { return fork }
    return Wire.callID(in: bytes).flatMap { byCallID[$0] }
  }

  func answerReached(_ leg: Int) {
    if legs[leg]?.answerSeen == nil { legs[leg]?.answerSeen = world.now.instant }
    guard let original = legs[leg]?.original else { return }
    legs[original]?.paysForFork = true
    if legs[leg]?.heardBehind == nil { legs[leg]?.heardBehind = world.disk.lastSequence ?? 0 }
  }

  func stopAsked(_ leg: Int) {
    if legs[leg]?.stopAsked == nil { legs[leg]?.stopAsked = world.now.instant }
    legs[leg]?.isForsaken = false
  }

  /// The switch has died: nobody asks for the end of the calls that it saw answered before it is back.
  ///
  /// Of an answer that comes later it hears, and has to end the call. What the disk does not have of a further fork it
  /// has never heard, unless that answers again.
  func switchDied() {
    for index in legs.indices {
      if let batch = legs[index]?.heardBehind, batch >= world.disk.durableThrough {
        legs[index]?.heardBehind = nil
      }
      guard let leg = legs[index], leg.stoppedAt == nil, leg.answerSeen != nil else { continue }
      stopAsked(index)
      legs[index]?.isForsaken = true
    }
  }

  /// Whether an INVITE lies in its queue, with all its copies: it is looked at as our patience runs out, or a little later.
  private func queues(_ bytes: [UInt8]) -> Bool {
    guard world.options.queuedInvites > 0, let number = Wire.invitedNumber(in: bytes),
      world.town.price(of: number) != nil, let callID = Wire.callID(in: bytes)
    else { return false }
    if let queued = queued[callID] { return world.now.instant < queued.until }
    var wait = Duration.zero
    // What waits has been given up, and its trunk is probed again, before all must work.
    if world.now.instant + .seconds(60) < .start + world.options.life,
      world.dice.chance(world.options.queuedInvites, in: 100)
    {
      wait = world.dice.milliseconds(31_000...36_000)
      world.schedule(.looked(index, bytes), after: wait)
    }
    let session = Wire.mediaEndpoint(in: bytes).flatMap { world.mediaSessions[$0] }
    queued[callID] = (world.now.instant + wait, session)
    return wait > .zero
  }

  override func overhears(_ bytes: [UInt8]) -> Bool {
    if queues(bytes) { return true }
    if let fork = Wire.fork(in: bytes) {
      if forks[fork] != nil { hear(bytes, fork) }
      return true
    }
    guard bytes.starts(with: "BYE ".utf8), let leg = leg(of: bytes),
      let left = legs[leg]?.byesToLose, left > 0
    else { return false }
    legs[leg]?.byesToLose = left - 1
    return true
  }

  // MARK: - Calls to the outside

  override func invited(_ call: Int) {
    let number = calls[call].number
    let price = world.town.price(of: number)
    let isEmergency = price == nil
    let free = CarrierTariff(dear: false, dice: &world.dice)
    legs[call] = CarrierLeg(
      number: number, tariff: price?.purchase[trunk] ?? free, sell: price?.sell ?? free,
      isEmergency: isEmergency)
    if let server = calls[call].server, let message = core.request(of: server) {
      let callID = Array(message[message.callID])
      byCallID[callID] = call
      if world.options.forks > 0 { invites[call] = message.bytes }
      // While it waited, its ports may have gone on to another call.
      if let session = queued[callID]?.session { calls[call].session = (session, world.process) }
    }
    world.noteOffer(number)
    let wait = world.dice.milliseconds(600...9_000)
    let isTroubled = world.dice.chance(world.options.carrierTrouble, in: 100)
    if !isEmergency, !world.isHealed { planForks(call, wait) }
    guard !isEmergency, !world.isHealed, isTroubled else {
      return answerWell(call, after: world.isHealed || isEmergency ? .seconds(1) : wait)
    }
    misbehave(call, wait)
  }

  private func answerWell(_ call: Int, after wait: Duration) {
    world.schedule(.act(index, .ring(call: call)), after: .milliseconds(100))
    world.schedule(.act(index, .answer(call: call)), after: wait)
  }

  private func misbehave(_ call: Int, _ wait: Duration) {
    let act = { [index, world] (act: Act, delay: Duration) in
      world.schedule(.act(index, act), after: delay)
    }
    switch Int.random(in: 0..<13, using: &world.dice) {
    case 0: act(.answer(call: call), .milliseconds(5))
    case 1:
      act(.early(call: call), .milliseconds(300))
      act(.answer(call: call), wait)
    case 2: act(.early(call: call), .milliseconds(300))  // Talks for free, if we let it (F20).
    case 3: break  // Silence.
    case 4:
      act(.ring(call: call), .milliseconds(200))
      act(.answer(call: call), world.dice.milliseconds(30_000...200_000))
    case 5: act(.answer(call: call), world.dice.milliseconds(3_900...4_200))  // As we give it up.
    case 6: act(.refuse(call: call, 503), .milliseconds(50))
    case 7: act(.refuse(call: call, 486), wait)
    case 8: act(.refuse(call: call, 404), .milliseconds(80))
    case 9: act(.ring(call: call), .milliseconds(100))  // Rings for ever.
    case 10:
      legs[call]?.byesToLose = Int.random(in: 1...12, using: &world.dice)
      answerWell(call, after: wait)
    case 11:
      answerWell(call, after: wait)
      act(.hangUp(call: call), wait + world.dice.milliseconds(0...40_000))
    case _:
      answerWell(call, after: wait)
      act(.reinvite(call: call), wait + .seconds(2))
    }
  }

  override func cancelled(_ call: Int) {
    guard legs[call]?.answersCancel == true, !world.isHealed else { return super.cancelled(call) }
    world.schedule(.act(index, .answer(call: call)), after: world.dice.milliseconds(5...3_000))
  }

  override func endsEarly(_ call: Int) -> Bool {
    world.isHealed || legs[call]?.answersCancel != true
  }

  private func accept(_ call: Int) {
    guard let server = calls[call].server, core.isPending(server) else { return }
    answer(call, 200, withSDP: true)
    legs[call]?.answeredAt = world.now.instant
    world.noteAnswer(self, call, calls[call].number)
    if world.dice.chance(1, in: 2) { legs[call]?.mediaPatience = .seconds(20) }
    startMedia(call)
    world.schedule(.act(index, .watch(call: call)), after: .seconds(4))
    world.schedule(.act(index, .hangUp(call: call)), after: .seconds(600))
  }

  func stop(_ call: Int) {
    guard legs[call]?.answeredAt != nil, legs[call]?.stoppedAt == nil else { return }
    legs[call]?.stoppedAt = world.now.instant
    world.checkBill(of: calls[call].number)
  }

  /// Looks whether the call still has media, and what has been billed by now.
  private func watch(_ call: Int) {
    guard let leg = legs[call], leg.stoppedAt == nil, let answeredAt = leg.answeredAt else {
      return
    }
    world.checkBill(of: leg.number)
    let heard = max(calls[call].lastHeard ?? answeredAt, answeredAt)
    if world.options.hasMedia, let patience = leg.mediaPatience,
      heard + patience < world.now.instant
    {
      return end(call)
    }
    world.schedule(.act(index, .watch(call: call)), after: .seconds(4))
  }

  private func end(_ call: Int) {
    hangUp(call)
    stop(call)
  }

  override func ended(_ call: Int) { stop(call) }

  override func established(_ call: Int) {
    if calls[call].isCaller {
      startMedia(call)
      let talk = calls[call].attempt.map { world.attempts[$0].talk } ?? .seconds(10)
      world.schedule(.act(index, .hangUp(call: call)), after: talk)
    }
  }

  override func failed(_ call: Int, status: Int, _ message: Message?) {
    if let attempt = calls[call].attempt { world.attempts[attempt].final = UInt16(status) }
  }

  override func act(_ act: Act) {
    switch act {
    case .ring(let call): answer(call, 180)
    case .early(let call):
      answer(call, 183, withSDP: true)
      startMedia(call)
    case .answer(let call): accept(call)
    case .refuse(let call, let status): answer(call, StatusCode(exactly: status) ?? 503)
    case .hangUp(let call): if calls[call].state == .talking { end(call) }
    case .reinvite(let call): reinvite(call)
    case .media(let call): sendMedia(call)
    case .watch(let call): watch(call)
    case .giveUp(let call): if calls[call].state == .inviting { cancel(call) }
    case .dial(let attempt):
      let wish = world.attempts[attempt]
      guard !world.isHealed else { return }
      world.attempts[attempt].placedAt = world.now.instant
      let from = NameAddress(uri: URI(user: "+34600123456", host: .name(domain)))
      let call = invite(
        wish.number, host: "\(Town.switchEndpoint.address)", from: from, attempt: attempt)
      world.schedule(.act(index, .giveUp(call: call)), after: wish.patience)
    case .fork(let call, let process): fork(call, process)
    case .forkAgain(let call, let copies, let process): sayAgain(call, copies, process)
    case .register, .keepAlive, .redirect, .garble, .die: break
    }
  }
}
