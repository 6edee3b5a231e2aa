"""A simulated cluster of Ray on this machine, which parts can be taken out of."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import ray
from ray.cluster_utils import Cluster

from tests.paths import ROOT
from vidsr.clusters.address import ClusterAddress

SETTINGS = {
    "RAY_gcs_rpc_server_reconnect_timeout_s": "5",  # until a head is taken for gone
    "RAY_health_check_failure_threshold": "10",
    "RAY_health_check_period_ms": "1000",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_memory_monitor_refresh_ms": "0",
    "PYTHONPATH": str(ROOT),
}


class TwoNodes:
    """A simulated cluster of a head and a node, with a CPU each."""

    def __init__(self) -> None:
        node: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 80 << 20}
        self.cluster = Cluster(
            initialize_head=True, head_node_args=node | {"include_dashboard": False}
        )
        self.second = self.cluster.add_node(**node)
        ray.init(address=self.cluster.address, namespace="vidsr", log_to_driver=False)

    @property
    def address(self) -> ClusterAddress:
        return ClusterAddress("ray", self.cluster.address)

    def kill_an_actor(self) -> bool:
        """Kill an actor for good, as its owner never asked for."""
        for each in ray.util.list_named_actors(all_namespaces=True):
            with suppress(ValueError):
                ray.kill(ray.get_actor(each["name"], each["namespace"]), no_restart=True)
                return True
        return False

    def remove_the_second(self) -> bool:
        self.cluster.remove_node(self.second, allow_graceful=False)
        return True

    def stop_head(self) -> bool:
        ray.shutdown()
        self.cluster.head_node.kill_gcs_server(check_alive=False)
        return True

    def close(self) -> None:
        ray.shutdown()
        self.cluster.shutdown()
