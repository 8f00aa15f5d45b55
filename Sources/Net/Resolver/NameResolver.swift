import Dispatch
import Elements
package import SIP
package import Switch
import Synchronization

/// Turns names into next hops (RFC 3263) on threads of its own; the answer goes to a lane's mailbox.
package final class NameResolver: Sendable {
  private struct Job: Sendable {
    let query: NameQuery
    let answer: @Sendable ([NextHop]) -> Void
  }

  private struct Queue: Sendable {
    var jobs: [Job] = []
    var isStopped = false
  }

  private let settings: ResolverSettings
  private let client: DNSClient
  /// The addresses that we listen on, known after they are bound.
  private let listening = Mutex<[ListenAddress]>([])
  private let queue = Mutex(Queue())
  private let waiting = DispatchSemaphore(value: 0)

  package init(_ settings: ResolverSettings) {
    self.settings = settings
    client = DNSClient(settings)
  }

  /// Starts the threads.
  package func start(listening addresses: [ListenAddress]) throws(NetError) {
    listening.withLock { $0 = addresses }
    for number in 0..<max(settings.threads, 1) {
      let result = startThread(name: "resolver-\(number)") { [self] in work() }
      guard result == 0 else { throw .system(call: "pthread_create", errno: result) }
    }
  }

  /// Ends the threads when their present look-ups are done; what waits is dropped.
  package func stop() {
    queue.withLock { ($0.isStopped, $0.jobs) = (true, []) }
    for _ in 0..<max(settings.threads, 1) { waiting.signal() }
  }

  /// Looks a name up.
  ///
  /// An address literal is answered at once, without a thread.
  ///
  /// - Returns: The hops; nil: `answer` gets them later, on another thread, once.
  package func resolve(
    _ query: NameQuery, answer: @escaping @Sendable ([NextHop]) -> Void
  ) -> [NextHop]? {
    if IPAddress(query.host) != nil { return hops(for: query) }
    let accepted = queue.withLock { queue in
      guard !queue.isStopped, queue.jobs.count < settings.queue else { return false }
      queue.jobs.append(Job(query: query, answer: answer))
      return true
    }
    guard accepted else { return [] }
    waiting.signal()
    return nil
  }

  private func work() {
    while true {
      waiting.wait()
      let (job, isStopped) = queue.withLock { queue in
        (queue.jobs.isEmpty ? nil : queue.jobs.removeFirst(), queue.isStopped)
      }
      guard !isStopped else { return }
      if let job { job.answer(hops(for: job.query)) }
    }
  }

  private func hops(for query: NameQuery) -> [NextHop] {
    let lookup = NameLookup(
      maximumTargets: settings.hops, records: client.records, addresses: client.addresses)
    var dice = SystemRandomNumberGenerator()
    return lookup.targets(of: query, using: &dice).compactMap { target in
      guard let local = local(for: target) else { return nil }
      return NextHop(
        transport: target.transport, remote: target.remote, local: local,
        serverName: target.transport == .tls ? query.host : nil,
        // A transport in the URI is an order; otherwise a long request may choose (RFC 3261 §18.1.1).
        takesStream: target.transport == .udp && query.transport == nil)
    }
  }

  /// The address of ours that the target sees and can reach us at; nil: there is no way from here.
  private func local(for target: NameLookup.Target) -> Endpoint? {
    guard target.remote.address.isUnicast, let address = OutwardAddress.toward(target.remote)
    else { return nil }
    let family = listening.withLock { addresses in
      addresses.filter { $0.endpoint.address.isV4 == address.isV4 }
    }
    let sameTransport = family.filter { $0.transport == target.transport }
    if let exact = sameTransport.first(where: { $0.endpoint.address == address }) {
      return exact.endpoint
    }
    if let any = sameTransport.first(where: { $0.endpoint.address.isUnspecified }) {
      return Endpoint(address, any.endpoint.port)
    }
    if let other = sameTransport.first { return other.endpoint }
    // A stream can be opened without listening on that transport; requests back will use it.
    guard target.transport.isReliable,
      let any = family.first(where: { !$0.transport.isWebSocket }) ?? family.first
    else { return nil }
    return Endpoint(address, any.endpoint.port)
  }
}
