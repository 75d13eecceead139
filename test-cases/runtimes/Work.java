// What ordinary programs do, on the JVM: see README.md. Prints "done", or ends with code 7 if its input says "exit".
import java.io.*;
import java.math.*;
import java.nio.*;
import java.nio.channels.*;
import java.nio.file.*;
import java.security.*;
import java.time.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;
import java.util.regex.*;
import java.util.stream.*;

public class Work {
    static void check(boolean holds, String what) {
        if (!holds) throw new AssertionError(what);
    }

    static long hot(int n) {
        long sum = 0;
        for (int i = 0; i < n; i++) sum = (sum + (long) i * i) % 1000003;
        return sum;
    }

    static int depth(int n) {
        return 1 + depth(n + 1);
    }

    static void language() {
        check(hot(20_000_000) == hot(20_000_000), "compiled code");
        try {
            depth(0);
            check(false, "no end of the stack");
        } catch (StackOverflowError expected) {
        }
        for (int i = 0; i < 20_000; i++) {
            try {
                ((String) (i >= 0 ? null : "")).length();
                check(false, "null");
            } catch (NullPointerException expected) {
            }
        }
        List<byte[]> kept = new ArrayList<>();
        for (int i = 0; i < 4000; i++) {
            kept.add(new byte[50_000]);
            if (kept.size() > 200) kept = new ArrayList<>(kept.subList(100, kept.size()));
        }
        System.gc();
        check(String.format(Locale.ROOT, "%s %5d %.3f %x", "a", 12, Math.PI, 255).equals("a    12 3.142 ff"), "format");
        check(new BigInteger("2").pow(200).mod(BigInteger.valueOf(1000007)).signum() > 0, "integers");
        check(Pattern.compile("(\\d+)-(\\p{L}+)").matcher("12-Größe").matches(), "expressions");
        check(Instant.EPOCH.toString().equals("1970-01-01T00:00:00Z"), "time");
        check(ZoneId.of("Europe/Berlin") != null, "zones");
    }

    static void threads() throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(6);
        AtomicInteger count = new AtomicInteger();
        List<Future<Long>> futures = new ArrayList<>();
        for (int i = 0; i < 40; i++) futures.add(pool.submit(() -> {
            count.incrementAndGet();
            return hot(100_000);
        }));
        for (Future<Long> future : futures) check(future.get() == hot(100_000), "futures");
        pool.shutdown();
        check(pool.awaitTermination(10, TimeUnit.SECONDS) && count.get() == 40, "pool");
        check(IntStream.range(0, 1_000_000).parallel().mapToLong(i -> i).sum() == 499_999_500_000L, "streams");
        int[] reached = {0};
        Thread deep = new Thread(null, () -> {
            try {
                depth(0);
            } catch (StackOverflowError expected) {
                reached[0] = 1;
            }
        }, "deep", 64 << 20);
        deep.start();
        deep.join();
        check(reached[0] == 1, "a large stack");
        Object lock = new Object();
        synchronized (lock) {
            lock.wait(20);
        }
        Thread sleeper = new Thread(() -> {
            try {
                Thread.sleep(60_000);
            } catch (InterruptedException expected) {
            }
        });
        sleeper.start();
        sleeper.interrupt();
        sleeper.join();
    }

    static void files() throws Exception {
        Path folder = Files.createDirectory(Path.of("folder"));
        Path file = folder.resolve("a");
        Files.writeString(file, "x\n".repeat(50_000));
        check(Files.readAllLines(file).size() == 50_000, "lines");
        Files.copy(file, folder.resolve("b"));
        Files.move(folder.resolve("b"), folder.resolve("c"));
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            MappedByteBuffer mapped = channel.map(FileChannel.MapMode.READ_WRITE, 0, 4096);
            mapped.put(0, (byte) 'y');
            mapped.force();
        }
        check(Files.readString(file).charAt(0) == 'y', "mapped");
        try (Stream<Path> walk = Files.walk(folder)) {
            check(walk.count() == 3, "walk");
        }
        Path temporary = Files.createTempFile("t", "t");
        Files.delete(temporary);
        check(ByteBuffer.allocateDirect(1 << 20).isDirect(), "direct memory");
    }

    static void system() throws Exception {
        check(MessageDigest.getInstance("SHA-256").digest(new byte[0])[0] == (byte) 0xe3, "digest");
        check(new SecureRandom().nextInt() != new SecureRandom().nextInt(), "random");
        Process process = new ProcessBuilder("/usr/bin/echo", "hi").start();
        String said = new String(process.getInputStream().readAllBytes());
        check(process.waitFor() == 0 && said.equals("hi\n"), "a process");
        check(ProcessHandle.current().pid() > 0 && Runtime.getRuntime().availableProcessors() > 0, "itself");
        Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("done")));
    }

    public static void main(String[] arguments) throws Exception {
        String asked = new BufferedReader(new InputStreamReader(System.in)).readLine();
        if ("exit".equals(asked)) System.exit(7);
        language();
        threads();
        files();
        system();
    }
}
