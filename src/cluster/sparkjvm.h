/*
 * sparkjvm - the driver's JVM as Spark's own clients size and start it. Pure.
 *
 * Source: JavaModuleOptions.java and Client.scala, BasicDriverFeatureStep.scala of Spark 3.3-4.x.
 */
#pragma once
#include "model/submission.h"

/* What Spark needs of Java 17; Java 8 ignores it. */
#define SPARKJVM_OPENS                                                                                        \
	"--add-opens=java.base/java.lang=ALL-UNNAMED --add-opens=java.base/java.lang.invoke=ALL-UNNAMED "     \
	"--add-opens=java.base/java.lang.reflect=ALL-UNNAMED --add-opens=java.base/java.io=ALL-UNNAMED "      \
	"--add-opens=java.base/java.net=ALL-UNNAMED --add-opens=java.base/java.nio=ALL-UNNAMED "              \
	"--add-opens=java.base/java.util=ALL-UNNAMED "                                                        \
	"--add-opens=java.base/java.util.concurrent=ALL-UNNAMED "                                             \
	"--add-opens=java.base/java.util.concurrent.atomic=ALL-UNNAMED "                                      \
	"--add-opens=java.base/jdk.internal.ref=ALL-UNNAMED --add-opens=java.base/sun.nio.ch=ALL-UNNAMED "    \
	"--add-opens=java.base/sun.nio.cs=ALL-UNNAMED --add-opens=java.base/sun.security.action=ALL-UNNAMED " \
	"--add-opens=java.base/sun.util.calendar=ALL-UNNAMED "                                                \
	"--add-opens=java.security.jgss/sun.security.krb5=ALL-UNNAMED "
#define SPARKJVM_MODULES_3 \
	"-XX:+IgnoreUnrecognizedVMOptions " SPARKJVM_OPENS "-Djdk.reflect.useDirectMethodHandle=false"
#define SPARKJVM_MODULES_4                                                                    \
	"-XX:+IgnoreUnrecognizedVMOptions --add-modules=jdk.incubator.vector " SPARKJVM_OPENS \
	"-Dio.netty.tryReflectionSetAccessible=true -Dio.netty.allocator.type=pooled "        \
	"-Dio.netty.handler.ssl.defaultEndpointVerificationAlgorithm=NONE "                   \
	"--sun-misc-unsafe-memory-access=allow --enable-native-access=ALL-UNNAMED"

/* Spark reads a size whose unit is MiB when none is written; false: not one. */
MUST_CHECK bool sparkjvm_mib(const char *text, int64_t *ret);

/*
 * spark.driver.memory in MiB, alone and with its overhead. factor: of the overhead, when
 * spark.driver.memoryOverheadFactor is not set. False: not sizes.
 */
MUST_CHECK bool sparkjvm_heap_mib(const struct submission *s, int64_t *ret);
MUST_CHECK bool sparkjvm_driver_mib(const struct submission *s, const char *factor, int64_t *ret);
