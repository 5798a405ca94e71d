import Glibc

/// A named place where a crash test may kill the process.
///
/// With `BEDROT_FAILPOINT=name`, or `name:3` for the third time, the process sends itself SIGKILL there: no handler runs, nothing is
/// flushed, as in a power cut of the process. Unset, a point costs one comparison.
package struct Failpoint {
    /// The points of this module, in the order an append meets them. Other modules keep lists of their own.
    package static let all = [
        "object.temp.created", "object.temp.written", "object.temp.synced", "object.renamed", "object.folder.synced",
        "place.copied", "place.synced", "place.renamed",
        "file.written", "file.synced", "file.renamed",
        "log.created.unnamed", "log.created.named",
        "append.begun", "append.event", "append.indexes", "append.before-commit", "append.committed",
        "index.before-commit", "index.committed", "log.growing",
    ]

    private struct Target {
        var name: [UInt8]
        var hit: Int
    }

    private static let target: Target? = {
        guard let value = unsafe getenv("BEDROT_FAILPOINT") else { return nil }
        let parts = unsafe String(cString: value).split(separator: ":", maxSplits: 1)
        guard let name = parts.first else { return nil }
        return Target(name: Array(name.utf8), hit: parts.count > 1 ? max(1, Int(parts[1]) ?? 1) : 1)
    }()

    private static let armed = target != nil
    private static let hits = Guarded(0)

    /// Kills the process if the environment chose this point.
    @inline(always)
    package static func hit(_ name: StaticString) {
        if armed { reached(name) }
    }

    private static func reached(_ name: StaticString) {
        guard let target, name.description.utf8.elementsEqual(target.name) else { return }
        let count = hits.withLock { hits in
            hits += 1
            return hits
        }
        if count == target.hit { kill(getpid(), SIGKILL) }
    }
}
