import Directory
import Elements
import Numbering
import SDP
import SIP
import SIPSyntax

// The INVITEs that we send: everything in them is ours but what is known to be safe to pass.

extension SwitchCore {
  static let allow = Array("INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO".utf8)

  mutating func invite(
    toPhone binding: Binding, leg index: Int, of call: inout Call
  ) -> RequestDraft {
    let tenant = rules.directory.tenant(call.plan.tenant)
    let domain = Host(domain: tenant?.domain ?? "invalid")
    let line = rules.directory.line(binding.extension)
    let shown = call.plan.shown
    let called = NameAddress(uri: URI(user: line.map { "\($0.digits)" }, host: domain))
    var draft = RequestDraft(
      .invite, target: (try? URI(binding.contact)) ?? called.uri, from: from(shown, at: domain),
      to: called)
    draft.contact = .automatic(user: contactUser(shown))
    draft.headers = binding.path.map { HeaderDraft(.route, $0) }
    if !shown.isWithheld, !shown.number.isEmpty {
      let identity = NameAddress(
        displayName: shown.name, uri: URI(user: shown.number, host: domain))
      draft.headers.append(HeaderDraft(.assertedIdentity, identity.serialized))
    }
    if call.plan.steps.indices.contains(call.step),
      let forward = call.plan.steps[call.step].forward,
      let forwarder = rules.directory.line(forward.by)
    {
      let diversion = Diversion(
        URI(user: "\(forwarder.digits)", host: domain), displayName: forwarder.name,
        reason: forward.reason)
      draft.headers.append(HeaderDraft(.diversion, diversion.serialized))
    }
    addCommon(&draft, to: index, of: &call)
    return draft
  }

  mutating func invite(
    toTrunk id: TrunkID, hop: TrunkHop, leg index: Int, of call: inout Call
  ) -> RequestDraft? {
    guard let trunk = rules.directory.trunk(id), let branch = call.legs[index].branch,
      let tenant = rules.directory.tenant(call.plan.tenant)
    else { return nil }
    let (user, shown, forward) = called(call.branches[branch].target, trunk, tenant)
    let host = trunk.address.signallingHost
    let target = URI(
      user: user, host: host, port: trunk.address.port,
      parameters: trunk.address.transport == .tcp ? [URI.Component("transport", "tcp")] : [])
    let mine: Host = trunk.registration == nil ? .address(hop.local.address) : host
    func written(_ number: PhoneNumber) -> String {
      String(
        decoding: trunk.numberFormat.write(number, in: trunk.country ?? tenant.country),
        as: UTF8.self)
    }
    var visible = shown
    visible.number = PhoneNumber(shown.number).map(written) ?? shown.number
    var draft = RequestDraft(
      .invite, target: target, from: from(visible, at: mine),
      to: NameAddress(uri: URI(user: user, host: host)))
    draft.contact = .automatic(user: contactUser(visible))
    addIdentity(visible, trunk.identity, at: mine, to: &draft)
    if let forward, let number = rules.directory.line(forward.by)?.callerID.number {
      let diversion = Diversion(
        URI(user: written(number), host: mine), reason: forward.reason,
        counter: UInt32(max(call.plan.forwards, 1)), isPrivate: shown.isWithheld)
      draft.headers.append(HeaderDraft(.diversion, diversion.serialized))
    }
    addCommon(&draft, to: index, of: &call)
    return draft
  }

  /// The number in the carrier's way of writing, who is shown, and whose forward it is.
  private func called(
    _ target: PlanTarget, _ trunk: Trunk, _ tenant: Tenant
  ) -> (user: String, shown: CallerIdentity, forward: PlanStep.Forward?) {
    switch target {
    case .outside(let route):
      let user = String(decoding: trunk.user(for: route.number, from: tenant), as: UTF8.self)
      return (user, route.shown, route.forward)
    case .emergency(let route): return ("\(route.digits)", route.shown, nil)
    case .extension: return ("", .unknown, nil)
    }
  }

  // MARK: - Header fields

  private func from(_ shown: CallerIdentity, at host: Host) -> NameAddress {
    guard !shown.isAnonymous else {
      // RFC 3323 §4.1.1.3.
      let uri = URI(user: "anonymous", host: Host(domain: "anonymous.invalid"))
      return NameAddress(displayName: "Anonymous", uri: uri)
    }
    return NameAddress(displayName: shown.name, uri: URI(user: shown.number, host: host))
  }

  private func contactUser(_ shown: CallerIdentity) -> String? {
    shown.isAnonymous ? nil : shown.number
  }

  /// The number that we vouch for, told to the carrier in the way it wants (RFC 3325 §9.1).
  private func addIdentity(
    _ shown: CallerIdentity, _ way: TrunkIdentity, at host: Host, to draft: inout RequestDraft
  ) {
    if shown.isWithheld { draft.headers.append(HeaderDraft(.privacy, "id")) }
    guard !shown.number.isEmpty else { return }
    let identity = NameAddress(uri: URI(user: shown.number, host: host)).serialized
    switch way {
    case .asserted: draft.headers.append(HeaderDraft(.assertedIdentity, identity))
    case .preferred: draft.headers.append(HeaderDraft(.preferredIdentity, identity))
    case .remoteParty:
      let suffix = ";party=calling;privacy=\(shown.isWithheld ? "full" : "off")"
      draft.headers.append(HeaderDraft(.remotePartyID, identity + Array(suffix.utf8)))
    case .from: break
    }
  }

  private mutating func addCommon(
    _ draft: inout RequestDraft, to index: Int, of call: inout Call
  ) {
    let policy = call.legs[index].timerPolicy
    let budget = call.invitation.budget.share(among: call.ringingTogether)
    draft.maxForwards = budget.maxForwards
    draft.headers += call.invitation.passing
    draft.headers += [
      budget.header,
      HeaderDraft(.allow, Self.allow),
      HeaderDraft(.supported, call.invitation.offer == nil ? "timer" : "timer, 100rel"),
      HeaderDraft(.sessionExpires, "\(policy.preferred)"),
      HeaderDraft(.minSE, "\(policy.minimum)"),
    ]
    guard let offer = call.invitation.offer,
      let body = call.legs[index].media.makeOffer(from: offer, using: &dice)
    else { return }
    draft.body = .sdp(body.serialized())
  }
}

extension Host {
  /// The host that a domain or an address literal names.
  init(domain: String) {
    self = IPAddress(domain).map(Host.address) ?? .name(domain)
  }
}

extension TrunkAddress {
  var signallingHost: Host { ip.map(Host.address) ?? .name(host) }
}
