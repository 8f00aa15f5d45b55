import Foundation

/// Starts a plain thread of ours for work that blocks in system calls, with a name that `top -H` shows.
package enum ServiceThread {
  package static func start(_ name: String, _ body: @escaping @Sendable () -> Void) {
    let thread = Thread {
      // Only a thread that runs has a name in the kernel.
      Thread.current.name = name
      body()
    }
    thread.stackSize = 1 << 20
    thread.start()
  }
}
