import Elements
import Limits
import Relay
import SIP
import Switch

// The process: what the switch asks is done, and it dies and starts again.

extension World {
  /// Gives the switch one event and does everything that follows from it.
  func give(_ event: SwitchEvent) {
    guard isUp else { return }
    sabotage?.beforeEvent(in: self)
    core.handle(event, at: now, into: &switchEffects)
    performEffects()
    keepSwitchDeadline()
    guard sabotage == .invitesBeforeDurable, let sequence = unconfirmed else { return }
    unconfirmed = nil
    give(.journaled(through: sequence))
  }

  func performEffects() {
    let effects = switchEffects
    switchEffects.removeAll(keepingCapacity: true)
    for effect in effects {
      switch effect {
      case .journal(let batch): write(sabotage?.changed(batch, in: self) ?? batch)
      case .relay(let command): tell(command)
      case .transmit(let transmission): leave(transmission)
      case .resolve(let question, let query): resolve(question, query)
      case .publish, .trust, .acquaint, .sift, .askForCertificates: break
      }
    }
  }

  func keepSwitchDeadline() {
    guard let deadline = core.deadline, deadline < switchWake else { return }
    switchWake = max(deadline, now.instant)
    schedule(.switchDeadline(process: process), at: switchWake)
  }

  private func resolve(_ question: ResolutionID, _ query: NameQuery) {
    let hops = IPAddress(query.host).map {
      [
        NextHop(
          transport: query.transport ?? .udp, remote: Endpoint($0, query.port ?? 5060),
          local: Town.switchEndpoint)
      ]
    }
    schedule(.resolved(question, hops ?? [], process: process), after: .milliseconds(2))
  }

  // MARK: - The relay

  private func tell(_ command: RelayCommand) {
    relay.handle(command, at: now.instant, into: &relayEffects)
    performRelayEffects()
  }

  func performRelayEffects() {
    // A bind answered at once may ask for more.
    while !relayEffects.isEmpty {
      let effects = relayEffects
      relayEffects.removeAll(keepingCapacity: true)
      for effect in effects {
        switch effect {
        case .bind(let socket, let endpoint): bind(socket, endpoint)
        case .close(let socket):
          if let endpoint = sockets.removeValue(forKey: socket) {
            socketsByEndpoint[endpoint] = nil
          }
        // Tones are heard by nobody here; a narrowed socket saves time and decides nothing.
        case .transmit, .narrow: break
        case .tell(let event):
          note(event)
          schedule(.relay(event, process: process), after: .zero)
        }
      }
    }
    guard let deadline = relay.deadline, deadline < relayWake else { return }
    relayWake = max(deadline, now.instant)
    schedule(.relayDeadline(process: process), at: relayWake)
  }

  /// Remembers which session has a port, for those who are told to send there.
  private func note(_ event: RelayEvent) {
    guard case .opened(let session, let legs) = event else { return }
    for leg in legs {
      for port in leg.streams.compactMap({ $0?.rtp }) {
        mediaSessions[Endpoint(leg.local, port)] = session
      }
    }
  }

  private func bind(_ socket: SocketID, _ endpoint: Endpoint) {
    if let rarity = options.bindFailures, !isHealed, dice.chance(1, in: rarity) {
      relay.bindFailed(socket, reason: "in use", at: now.instant, into: &relayEffects)
      return
    }
    (sockets[socket], socketsByEndpoint[endpoint]) = (endpoint, socket)
    relay.bound(socket, at: now.instant, into: &relayEffects)
  }

  func relayIsDue(_ process: Int) {
    guard process == self.process, isUp, relayWake == now.instant else { return }
    relayWake = .never
    relay.handleDeadline(at: now.instant, into: &relayEffects)
    performRelayEffects()
  }

  // MARK: - The disk

  private func write(_ batch: JournalBatch) {
    var writer = ByteWriter()
    batch.encode(into: &writer)
    trace.note("journal", at: now.instant, bytes: writer.bytes, "batch \(batch.sequence)")
    if let words = witness.read(batch) { complain("I1", words) }
    if let complaint = batches.read(batch) { complain(complaint.checker, complaint.words) }
    checkWindows(after: batch)
    put(.batch(batch.sequence, writer.bytes))
    unconfirmed = batch.sequence
  }

  func put(_ item: VirtualDisk.Item) {
    if let delay = disk.append(item, dice: &dice) {
      schedule(.flushed(process: process), after: delay)
    }
  }

  func diskIsDone() {
    switch disk.flushed(at: now.instant, dice: &dice) {
    case .durable(let sequence, let next):
      if let next { schedule(.flushed(process: process), after: next) }
      give(.journaled(through: sequence))
    case .failed(let isNew):
      schedule(.flushed(process: process), after: VirtualDisk.retry)
      if isNew { give(.journalFailed("no space left on device")) }
    }
  }
}
