import Directory
package import Elements
import Guard
package import SIP
import SIPSyntax

// The edge: who may speak, what his tries say about him, and whom he makes us close the door to.

extension SwitchCore {
  /// Whether a message from there is looked at; counted where it is not.
  package mutating func admits(_ flow: Flow, at now: Now) -> Bool {
    switch admission.admit(Source(flow), at: now) {
    case .pass:
      if let connection = flow.connection, !trusted.contains(connection),
        admission.trusts(Source(flow), at: now)
      {
        trust(connection)
      }
      return true
    case .banned:
      status.droppedBanned += 1
      return false
    case .overBudget:
      status.droppedOverBudget += 1
      return false
    }
  }

  /// A user as the guard knows him, whether he exists or not.
  func userKey(_ tenant: Tenant, _ username: Span<UInt8>, _ device: Device?) -> UserKey {
    if let device { return UserKey(device.id.number) }
    var name = edgeKey.absorber()
    name.absorb(tenant.id.number)
    name.absorb(part: username)
    // Far above the numbers of those who exist.
    return UserKey(name.finish().low | 1 << 63)
  }

  /// A fingerprint of what somebody tried, to tell it from the same again.
  func mark(_ bytes: Span<UInt8>) -> UInt64 {
    var name = edgeKey.absorber()
    name.absorb(part: bytes)
    return name.finish().low
  }

  /// Somebody has proven himself on that connection, or is known from before.
  mutating func trust(_ connection: FlowID) {
    guard trusted.insert(connection).inserted else { return }
    output.trusted.append(connection)
  }

  /// Somebody has proven who he is.
  mutating func welcome(_ user: UserKey, of tenant: TenantID, on flow: Flow, at now: Now) {
    if let connection = flow.connection { trust(connection) }
    let changes = admission.welcome(user, of: tenant, from: Source(flow), at: now)
    for change in changes {
      journal.write(.guard(change))
      if case .known(let network, _) = change { output.acquainted.append(network) }
    }
  }

  /// Notes an offence, and does what follows.
  mutating func note(
    _ offence: Offence, _ tenant: Tenant? = nil, _ device: Device? = nil, on flow: Flow,
    isProven: Bool, at now: Now
  ) {
    let notices = admission.note(offence, from: Source(flow), isProven: isProven, at: now)
    for notice in notices {
      switch notice {
      case .changed(let change): banned(change, at: now)
      case .besieged(_, let count): besieged(tenant, device, count, flow, at: now)
      case .guessedWhereSpared: guessedWhereSpared(tenant, device, flow, at: now)
      }
    }
  }

  /// A request for a domain that is not ours, from somebody who is known to receive at his address.
  ///
  /// One domain is one offence: a gateway may have a wrong one. Our address is none that anybody is given, so there each user is.
  mutating func noteForeign(_ message: Message, on flow: Flow, at now: Now) {
    let host = message.requestHost
    let isOurs = host.flatMap { message.address(at: $0) }.map { isOwn($0, on: flow) } ?? false
    noteProbe(of: isOurs ? message.requestUser : nil, at: host, message, on: flow, at: now)
  }

  /// OPTIONS of a user, which asks whether he is there; of the server alone many a monitor asks.
  mutating func noteOptions(_ message: Message, on flow: Flow, at now: Now) {
    guard let user = message.requestUser, !user.isEmpty else { return }
    noteProbe(of: user, at: message.requestHost, message, on: flow, at: now)
  }

  private mutating func noteProbe(
    of user: [UInt8]?, at host: ByteRange?, _ message: Message, on flow: Flow, at now: Now
  ) {
    // A datagram may say that it is from anywhere.
    guard flow.transport.isReliable else { return }
    var target = edgeKey.absorber()
    let user = user ?? []
    target.absorb(part: user.span)
    if let host { target.absorb(part: message.bytes.span.extracting(host.range)) }
    note(.probe(target.finish().low), on: flow, isProven: false, at: now)
  }

  /// Bytes on a stream that are no message.
  mutating func noteMalformed(on flow: Flow, at now: Now) {
    malformedCount &+= 1
    note(.malformed(malformedCount), on: flow, isProven: false, at: now)
  }

  mutating func banned(_ change: GuardChange, at now: Now) {
    journal.write(.guard(change))
    switch change {
    case .lift(let subject): reconcile(subject, at: now)
    case .known: break
    case .put(let ban):
      status.bansTotal += 1
      reconcile(ban.subject, at: now)
      share(ban, at: now)
      let seconds = ban.until.map { "\(($0 - ban.since).wholeMilliseconds / 1000) s" }
      log(
        .warning, "banned", Alert.Fact("who", "\(ban.subject)"), Alert.Fact("why", "\(ban.cause)"),
        Alert.Fact("for", seconds ?? "ever"))
    }
  }

  private mutating func reconcile(_ subject: BanSubject, at now: Now) {
    if case .network(let network) = subject { reconcile(network, at: now) }
  }

  /// Has a banned network dropped as early as can be where nobody would suffer for it, and opened where that has changed.
  ///
  /// Who does that counts the seconds from when he is told, and has to be told again where the clock was set.
  mutating func reconcile(_ network: IPNetwork, isToldAgain: Bool = false, at now: Now) {
    var ends: [WallTime?] = []
    if let ban = admission.ban(of: network, at: now.wall), admission.isBarrable(ban, at: now) {
      ends.append(ban.until)
    }
    if let until = admission.listing(of: network, at: now.wall),
      admission.isBarrable(listed: network, at: now)
    {
      ends.append(until)
    }
    guard !ends.isEmpty else {
      if barred[network] != nil { unbar(network) }
      return
    }
    // One without an end is the longest.
    let until = ends.contains(nil) ? nil : ends.compactMap(\.self).max()
    guard isToldAgain || barred[network] != .some(until) else { return }
    if barred[network] == nil, barred.count >= 2 * configuration.edge.bans {
      forgetOpened(at: now)
    }
    barred[network] = .some(until)
    output.publications.append(.bar(network, until: until))
  }

  /// The clock has leapt ahead: what is over by it is opened, and the rest is told how long it has left.
  mutating func tellBarredAgain(at now: Now) {
    for network in barred.networks.sorted() { reconcile(network, isToldAgain: true, at: now) }
  }

  mutating func unbar(_ network: IPNetwork) {
    barred[network] = nil
    output.publications.append(.unbar(network))
  }

  /// What is over was opened by those who count the seconds.
  private mutating func forgetOpened(at now: Now) {
    for network in Array(barred.networks)
    where barred[network].flatMap(\.self).map({ $0 <= now.wall }) ?? false {
      barred[network] = nil
    }
  }

  private mutating func besieged(
    _ tenant: Tenant?, _ device: Device?, _ count: Int, _ flow: Flow, at now: Now
  ) {
    guard let tenant, let device else { return }
    let name = String(decoding: device.username, as: UTF8.self)
    alert(
      .passwordGuessed, .warning, tenant: tenant.id,
      key: "guess-\(device.id)-\(now.wall.unixMilliseconds / 86_400_000)", at: now,
      [
        Alert.Fact("user", name), Alert.Fact("addresses", "\(count)"),
        Alert.Fact("last from", "\(flow.remote.address)"),
      ])
  }

  private mutating func guessedWhereSpared(
    _ tenant: Tenant?, _ device: Device?, _ flow: Flow, at now: Now
  ) {
    let day = now.wall.unixMilliseconds / 86_400_000
    guard let tenant, let device, toldGuesses.insert(device.id, on: day) else { return }
    alert(
      .passwordGuessedWhereSpared, .warning, tenant: tenant.id,
      key: "guess-spared-\(device.id)-\(day)", at: now,
      [
        Alert.Fact("user", String(decoding: device.username, as: UTF8.self)),
        Alert.Fact("from", "\(flow.remote.address)"),
      ])
  }

  /// A right password came from where its phone may not be: somebody else has it.
  mutating func passwordElsewhere(
    _ device: Device, _ tenant: Tenant, _ method: Method, _ flow: Flow, at now: Now
  ) {
    let (address, day) = (flow.remote.address, now.wall.unixMilliseconds / 86_400_000)
    log(
      .warning, "right password from a foreign address", tenant: tenant.id,
      Alert.Fact("user", String(decoding: device.username, as: UTF8.self)),
      Alert.Fact("from", "\(flow.remote)"))
    guard toldPasswords.insert(device.id, address.network, on: day) else { return }
    var facts = [
      Alert.Fact("user", String(decoding: device.username, as: UTF8.self)),
      Alert.Fact("from", "\(address)"),
    ]
    facts += located(address)
    if !device.sources.countries.isEmpty, !rules.directory.countries.covers(address) {
      let family = address.isV4 ? "IPv4" : "IPv6"
      facts.append(Alert.Fact("located in", "no country: the files have no \(family) addresses"))
    }
    let owner = device.sources.isOfTenant ? tenant.name : "this phone"
    facts += [
      Alert.Fact("tried", method.name),
      Alert.Fact("allowed", "\(device.sources) (\(owner))"),
    ]
    alert(
      .passwordElsewhere, .critical, tenant: tenant.id,
      key: "elsewhere-\(device.id)-\(address.network)-\(day)", at: now, facts)
  }

  /// The country that an address is in, where the files of the platform say so.
  func located(_ address: IPAddress) -> [Alert.Fact] {
    rules.directory.countries.country(of: address).map { [Alert.Fact("located in", "\($0)")] } ?? []
  }

  /// An account begins more calls than anybody dials.
  mutating func callFlood(_ line: Extension, _ flow: Flow, at now: Now) {
    status.callsOverRate += 1
    let day = now.wall.unixMilliseconds / 86_400_000
    guard toldCallFloods.insert(line.account, on: day) else { return }
    alert(
      .callFlood, .warning, tenant: line.tenant.id, key: "flood-\(line.account)-\(day)", at: now,
      [Alert.Fact("extension", "\(line.digits)"), Alert.Fact("from", "\(flow.remote)")])
  }

  /// Carriers are never banned: by the addresses that they are reached at, and those that they send from.
  ///
  /// Then the doors that it is about are closed and opened: a server that starts knows its bans before its carriers, and later
  /// carriers whose names lead elsewhere each minute cost no look at all that is listed.
  mutating func spareCarriers(at now: Now) {
    askForCertificates()
    var networks = rules.directory.neverBanned
    for trunk in rules.directory.trunks { networks += trunk.sources }
    for state in trunks.values { networks += state.hops.map { IPNetwork($0.remote.address) } }
    let changed = admission.spare(networks)
    guard !changed.isEmpty else { return }
    output.publications.append(.spared(networks))
    for ban in admission.standing(at: now.wall)
    where changed.contains(where: { $0.overlaps(ban.subject.network) }) {
      reconcile(ban.subject, at: now)
    }
    for network in admission.listed(overlapping: changed) { reconcile(network, at: now) }
  }

  /// What is too much, as the operator says.
  mutating func adoptEdge() {
    let settings = configuration.edge.with(rules.directory.platform.edge)
    admission.adopt(settings)
    sieges.v4.adopt(settings)
    sieges.v6.adopt(settings)
  }

  /// The first directory after a start: phones that were registered are friends before they have spoken, also those whose
  /// connections ended with the process.
  mutating func befriendPhones(at now: Now) {
    let directory = rules.directory
    let departed = bindings.takeDeparted().filter {
      directory.admits($0.flow.remote.address, $0.device, for: $0.extension)
    }
    for binding in bindings.all(at: now.wall) + departed {
      // What older journals have may be any of them.
      let devices =
        binding.device.map { [$0] } ?? directory.line(binding.extension)?.devices ?? []
      for device in devices {
        admission.befriend(
          UserKey(device.number), of: binding.tenant, from: Source(binding.flow),
          // It has been refreshed since it was made, hours ago at most; when that was is not on disk.
          since: now.wall, at: now)
      }
    }
    output.acquainted = admission.knownPlaces(at: now.instant)
  }

  /// Whom we send something of our own accord may answer, and speak within that call.
  mutating func expectAnswers(at now: Now) {
    for transmission in output.wire {
      if case .open(let hop) = transmission.destination {
        admission.expect(hop.remote, at: now.instant)
        openDoors(to: hop.remote.address, at: now)
      }
    }
  }

  /// Whom we ask something must be heard, where only the guard itself had banned him.
  mutating func openDoors(to address: IPAddress, at now: Now) {
    guard barred.count > 0 else { return }
    for network in barred.networks(around: address) { reconcile(network, at: now) }
  }
}

extension Source {
  init(_ flow: Flow) { self.init(flow.remote, connection: flow.connection) }
}
